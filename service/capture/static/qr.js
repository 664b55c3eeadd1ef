// A QR code as a drawing.

import { shape } from "./dom.js";

/** The dark modules of a QR code: one run of them after the other, in rows. */
export function drawing(rows) {
  const drawn = shape("svg", { viewBox: `0 0 ${rows.length} ${rows.length}`, "aria-hidden": "true" });
  const runs = rows.flatMap((row, y) =>
    [...row.matchAll(/1+/g)].map(({ index, 0: run }) => `M${index} ${y}h${run.length}v1h-${run.length}z`),
  );
  drawn.append(shape("path", { d: runs.join("") }));
  return drawn;
}
