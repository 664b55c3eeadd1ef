// The element for React's types.

import type { IdproofCapture } from "idproof-capture";
import type { DetailedHTMLProps, HTMLAttributes } from "react";

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "idproof-capture": DetailedHTMLProps<HTMLAttributes<IdproofCapture>, IdproofCapture> & {
        service?: string;
        language?: string;
        voice?: string;
        "hand-off"?: string;
      };
    }
  }
}
