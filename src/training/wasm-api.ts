/**
 * The part of the WebAssembly interface that the trainer uses. TypeScript declares it only together with the whole
 * browser.
 */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

/** A compiled module; may be posted to a worker thread. */
export interface WasmModule {
  readonly __wasmModule: never;
}

interface WasmApi {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: { readonly env: { readonly memory: WasmMemory } },
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}

export const wasm: WasmApi = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly;
