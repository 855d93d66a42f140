/** The import table of ARCHITECTURE.md as data: room → rooms it may import. Rooms appear here when they have something in them. */
export const roomImports: Readonly<Record<string, readonly string[] | "everything">> = {
  kernel: [],
  stats: ["kernel"],
  profile: ["kernel", "stats"],
  wire: ["kernel"],
  telemetry: ["kernel"],
  config: ["kernel"],
  storage: ["kernel"],
  bundle: ["kernel", "storage"],
  project: ["kernel", "features", "training", "evaluation", "datasets", "images"],
  datasets: ["kernel", "stats", "profile", "storage", "images"],
  features: ["kernel", "stats", "images"],
  inference: ["kernel", "bundle"],
  images: ["kernel", "inference"],
  training: ["kernel", "stats", "features", "inference", "bundle", "storage"],
  evaluation: ["kernel", "stats"],
  registry: ["kernel", "storage", "bundle"],
  pipeline: [
    "kernel",
    "storage",
    "project",
    "datasets",
    "profile",
    "images",
    "features",
    "training",
    "inference",
    "evaluation",
    "bundle",
    "registry",
  ],
  stream: ["kernel", "storage", "features"],
  serving: [
    "kernel",
    "stats",
    "profile",
    "storage",
    "bundle",
    "features",
    "images",
    "inference",
    "stream",
    "telemetry",
  ],
  grpc: ["kernel", "wire", "serving", "telemetry"],
  compaction: ["kernel", "storage", "serving"],
  feedback: ["kernel", "storage", "features", "serving", "stream"],
  http: ["kernel", "wire", "serving", "feedback", "storage", "telemetry"],
  client: ["kernel", "wire"],
  cli: ["kernel", "wire", "client", "config", "telemetry", "app"],
  app: "everything",
};

/** Imports that may go past a room's face. */
export const faceExceptions: readonly {
  readonly from: string;
  readonly file: RegExp;
  readonly why: string;
}[] = [
  {
    from: "project",
    file: /^(features|training|evaluation|datasets|images)\/spec\.ts$/,
    why: "loading a project must load neither native code nor trainers",
  },
  {
    from: "features",
    file: /^images\/spec\.ts$/,
    why: "the language knows what there is to know of an image; how it is found out is not its business",
  },
];

export interface Confinement {
  readonly what: string;
  readonly pattern: RegExp;
  readonly allowedIn: RegExp;
  readonly why: string;
  /** Look at import specifiers instead of the code. */
  readonly inImports?: boolean;
}

const DIGESTED =
  "kernel|stats|profile|datasets|images|features|training|inference|evaluation|serving|bundle|pipeline";

export const confinements: readonly Confinement[] = [
  {
    what: "process.env only in config",
    pattern: /process\s*\.\s*env/,
    allowedIn: /^config\//,
    why: "every setting is declared, documented and checked in one table",
  },
  {
    what: "clock and randomness only in kernel and app",
    pattern: /Date\.now\(|Math\.random\(|new Date\(\)|performance\.now\(|randomBytes\(|randomUUID\(/,
    allowedIn: /^(kernel|app)\//,
    why: "decisions and numbers must be reproducible, so time and chance are arguments",
  },
  {
    what: "console only in cli",
    pattern: /\bconsole\s*\.\s*(log|error|warn|info|debug)/,
    allowedIn: /^cli\//,
    why: "one renderer decides what people and programs see",
  },
  {
    what: "transcendentals of Math nowhere near digested numbers",
    pattern:
      /Math\s*\.\s*(exp|expm1|log|log1p|log2|log10|pow|sin|cos|tan|sinh|cosh|tanh|asin|acos|atan|atan2|asinh|acosh|atanh|cbrt|hypot)\b|\*\*/,
    allowedIn: new RegExp(`^(?!(${DIGESTED})/)`),
    why: "they differ between processors and V8 versions; kernel/math does not",
  },
  {
    what: "Kysely and SQL only in storage, store.ts and queries.ts",
    pattern: /^(kysely|pg|node:sqlite)$/m,
    allowedIn: /^storage\/|\/(store|queries)\.ts$/,
    why: "what touches the database is found in one place per room",
    inImports: true,
  },
  {
    what: "the web framework only in http",
    pattern: /^(fastify|node:http)$/m,
    allowedIn: /^(http\/|inference\/remote\/remote-connections\.ts$)/,
    why: "transports translate, cores decide; a remote model is asked over HTTP",
    inImports: true,
  },
  {
    what: "the image decoder only in images",
    pattern: /^sharp$/m,
    allowedIn: /^images\//,
    why: "one function decodes for ingest, batch prediction, serving and replay",
    inImports: true,
  },
  {
    what: "gRPC only in grpc",
    pattern: /^(@grpc\/|protobufjs)/m,
    allowedIn: /^grpc\//,
    why: "transports translate, cores decide",
    inImports: true,
  },
  {
    what: "DuckDB only in datasets and compaction",
    pattern: /^@duckdb\//m,
    allowedIn: /^(datasets|compaction)\//,
    why: "native code stays out of the control plane's and the workers' start",
    inImports: true,
  },
  {
    what: "onnxruntime only on the thread of the onnx engine",
    pattern: /^onnxruntime-/m,
    allowedIn: /^inference\/onnx\/onnx-thread\.ts$/,
    why: "it loads and runs synchronously: 113 MB of model freeze an event loop for 322 ms",
    inImports: true,
  },
  {
    what: "the bundler only where custom code is compiled",
    pattern: /^rolldown/m,
    allowedIn: /^project\/custom-code\.ts$/,
    why: "loading a project must load no native code",
    inImports: true,
  },
  {
    what: "text becomes code in two places",
    pattern: /node:vm|new Function\(|\beval\(/,
    allowedIn: /^features\/(custom\/custom-functions|generated-code)\.ts$/,
    why: "generated kernels call named primitives; custom code runs in a realm of its own, and only when it is signed",
  },
  {
    what: "no IO and no async in stats and in pure decision files",
    pattern: /\basync\b|\bawait\b|node:fs|node:net|node:child_process/,
    allowedIn: /^(?!stats\/|evaluation\/gates\.ts$)/,
    why: "decisions are functions of their evidence",
  },
];

export const hardLineLimit = 500;
