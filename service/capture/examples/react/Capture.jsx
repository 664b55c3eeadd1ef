// A React component around <idproof-capture> (React 19, which sets properties of custom elements).

import "idproof-capture";
import { useEffect, useRef } from "react";

export function Capture({ service, token, onDone, onError }) {
  const element = useRef(null);

  useEffect(() => {
    const capture = element.current;
    const done = ({ detail }) => onDone(detail);
    const error = ({ detail }) => onError(detail);
    capture.addEventListener("done", done);
    capture.addEventListener("error", error);
    return () => {
      capture.removeEventListener("done", done);
      capture.removeEventListener("error", error);
    };
  }, [onDone, onError]);

  // A token is used once: set it when it changes, not with every rendering.
  useEffect(() => {
    if (token) element.current.token = token;
  }, [token]);

  return <idproof-capture ref={element} service={service} hand-off="" />;
}
