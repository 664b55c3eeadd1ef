// A React component around <idproof-capture> (React 19).

import "idproof-capture";
import { useEffect, useRef } from "react";

/**
 * @param {object} props
 * @param {string} props.service Origin of the service.
 * @param {string | null} props.token A capture token, or null until the page's backend has made one.
 * @param {(detail: import("idproof-capture").DoneDetail) => void} props.onDone Keep it the same between renderings.
 * @param {(detail: import("idproof-capture").ErrorDetail) => void} props.onError Keep it the same between renderings.
 */
export function Capture({ service, token, onDone, onError }) {
  /** @type {import("react").RefObject<import("idproof-capture").IdproofCapture | null>} */
  const element = useRef(null);
  /** @type {import("react").RefObject<string | null>} */
  const used = useRef(null);

  useEffect(() => {
    const capture = element.current;
    if (!capture) return undefined;
    /** @param {CustomEvent<import("idproof-capture").DoneDetail>} event */
    const done = ({ detail }) => onDone(detail);
    /** @param {CustomEvent<import("idproof-capture").ErrorDetail>} event */
    const error = ({ detail }) => onError(detail);
    capture.addEventListener("done", done);
    capture.addEventListener("error", error);
    return () => {
      capture.removeEventListener("done", done);
      capture.removeEventListener("error", error);
    };
  }, [onDone, onError]);

  // A token works once, and React's strict mode runs every effect twice: set each token one time.
  useEffect(() => {
    if (!token || !element.current || used.current === token) return;
    used.current = token;
    element.current.token = token;
  }, [token]);

  return <idproof-capture ref={element} service={service} hand-off="" />;
}
