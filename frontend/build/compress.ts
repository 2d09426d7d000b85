import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Plugin } from "vite";

const SMALLEST = 1024; // below it, headers outweigh what is saved

/** Puts `.br` and `.gz` beside each text file, so that the gateway never compresses while somebody waits. */
export function precompress(): Plugin {
  let folder = "dist";
  return {
    name: "precompress",
    apply: "build",
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    async closeBundle() {
      const files = (await readdir(folder, { recursive: true })).filter((name) =>
        /\.(js|css|html|svg|json)$/.test(name),
      );
      await Promise.all(
        files.map(async (name) => {
          const path = join(folder, name);
          const data = await readFile(path);
          if (data.length < SMALLEST) return;
          const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
          await writeFile(`${path}.br`, await promisify(brotliCompress)(data, options));
          await writeFile(`${path}.gz`, await promisify(gzip)(data, { level: 9 }));
        }),
      );
    },
  };
}
