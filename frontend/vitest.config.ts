import { defineConfig, mergeConfig } from "vitest/config";
import vite from "./vite.config.ts";

export default mergeConfig(
  vite,
  defineConfig({
    test: {
      environment: "jsdom",
      setupFiles: ["./src/test/setup.ts"],
      include: ["src/**/*.test.{ts,tsx}"],
      restoreMocks: true,
      unstubGlobals: true,
      // One jsdom for all files: making one takes longer than all tests in it.
      isolate: false,
      // Lazy chunks are slow to come on a loaded machine.
      testTimeout: 20_000,
      css: false,
    },
  }),
);
