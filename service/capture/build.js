// Makes the npm package's folder `dist`: the component's modules as one module, its types, and the recordings.

import { copyFileSync, cpSync, rmSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
await build({
  entryPoints: ["static/idproof-capture.js"],
  outfile: "dist/idproof-capture.js",
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  logLevel: "warning",
});
copyFileSync("types/idproof-capture.d.ts", "dist/idproof-capture.d.ts");
// Recordings, which the module requests from the folder `voices` beside itself.
cpSync("static/voices", "dist/voices", { recursive: true });
