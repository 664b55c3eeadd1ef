// Makes the npm package's folder `dist`: the component's modules as one module, and its types.

import { copyFileSync, cpSync, existsSync, rmSync } from "node:fs";
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
// Files that the module finds beside itself.
if (existsSync("static/voices")) cpSync("static/voices", "dist/voices", { recursive: true });
