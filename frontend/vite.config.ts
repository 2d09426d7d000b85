import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { precompress } from "./build/compress.ts";
import { tablerIcons } from "./build/icons.ts";
import { EAGER_ICONS } from "./src/shared/icons/names.ts";

// Where `npm run dev` finds a gateway.
const gateway = process.env.PLUGARR_URL ?? "http://127.0.0.1:9191";

export default defineConfig({
  plugins: [react(), tablerIcons(EAGER_ICONS), precompress()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    // These know `light-dark()`, which cannot be translated for older ones where Mantine sets the scheme.
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    // The page's policy allows no inline data but images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: { "/api": gateway, "/ws": { target: gateway, ws: true } },
  },
});
