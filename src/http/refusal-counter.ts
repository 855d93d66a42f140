import type { DataPlane, Protocol } from "../serving/index.ts";
import { decoded } from "./route.ts";

const MODEL_IN_PATH = /^\/v[12]\/models\/([^/:?]+)/;

/** Counts the requests that are answered with an error, by what their path says of protocol and model. */
export class RefusalCounter {
  readonly #dataPlane: DataPlane;

  constructor(dataPlane: DataPlane) {
    this.#dataPlane = dataPlane;
  }

  count(url: string, { code, status }: { readonly code: string; readonly status: string }): void {
    const protocol = protocolOf(url);
    this.#dataPlane.counts.refuse({ protocol, model: this.#modelOf(url, protocol), code, status });
  }

  /** The model served that a path names: names of others come from strangers and would be series without end. */
  #modelOf(url: string, protocol: Protocol): string {
    const models = this.#dataPlane.models();
    const named =
      protocol === "http_mlflow"
        ? (new URLSearchParams(url.split("?")[1]).get("model") ??
          (models.length === 1 ? models[0]?.name : ""))
        : decoded(MODEL_IN_PATH.exec(url)?.[1] ?? "");
    return models.some(({ name }) => name === named) ? (named ?? "") : "";
  }
}

/** The prediction protocol that a path belongs to. */
export function protocolOf(url: string): Protocol {
  if (url.startsWith("/v1/models")) return "http_v1";
  if (url.startsWith("/v2")) return "http_v2";
  if (url.startsWith("/invocations")) return "http_mlflow";
  return "http";
}
