import {
  type Acceptance,
  byteSize,
  listOfText,
  oneOf,
  optionalText,
  type Setting,
  share,
  text,
  toggle,
  wholeNumber,
} from "./setting.ts";

const MEBIBYTE = 1024 * 1024;

const host: Acceptance = {
  wants: "an address or a host name without a port",
  test: (value) => /^[A-Za-z0-9._-]+$|^[0-9A-Fa-f:.]+$/.test(value),
};

const httpUrl: Acceptance = {
  wants: "a URL that begins with http:// or https://",
  test: (value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
};

const postgresUrl: Acceptance = {
  wants: "a URL that begins with postgresql:// or postgres://",
  test: (value) => URL.canParse(value) && /^postgres(ql)?:$/.test(new URL(value).protocol),
};

const bearerToken: Acceptance = {
  wants: "a text of 16 to 200 letters, digits and -._~+/=",
  test: (value) => /^[A-Za-z0-9\-._~+/=]{16,200}$/.test(value),
};

const keyValuePairs: Acceptance = {
  wants: "a list, separated by commas, of name=value",
  test: (value) => value.split(",").every((pair) => /^\s*[^=\s]+\s*=.*$/.test(pair)),
};

/**
 * Every setting of Slipway: its environment variable, flag, unit, default and meaning. A flag wins over the
 * environment, the environment over the default. `docs/reference/configuration.md` is written from this table.
 */
export const settingTable = {
  projectDirectory: text({
    env: "SLIPWAY_PROJECT",
    flag: "--project <dir>",
    default: (machine) => machine.workingDirectory,
    defaultText: "the current directory",
    doc: "Folder of the project, or the path of its slipway.config.ts.",
  }),
  stateDirectory: text({
    env: "SLIPWAY_STATE_DIR",
    flag: "--state-dir <dir>",
    default: ".slipway",
    doc: "Folder for everything Slipway keeps; a relative path starts at the project.",
  }),
  databaseUrl: optionalText(
    {
      env: "SLIPWAY_DATABASE_URL",
      secret: true,
      doc: "PostgreSQL database for runs, versions and the journal. Without it they are in SQLite in the state directory.",
    },
    postgresUrl,
  ),
  serverUrl: optionalText(
    {
      env: "SLIPWAY_SERVER",
      flag: "--server <url>",
      doc: "Console address of the server that commands talk to. Without it: the one running for the project, or none.",
    },
    httpUrl,
  ),
  token: optionalText(
    {
      env: "SLIPWAY_TOKEN",
      flag: "--token <token>",
      secret: true,
      doc: "Bearer token of the console: `up` asks for it from its callers, other commands send it. Without it `up` makes one and keeps it in control.json in the state directory.",
    },
    bearerToken,
  ),
  actor: text({
    env: "SLIPWAY_ACTOR",
    default: (machine) => machine.user,
    defaultText: "the name of the operating system's user",
    doc: "Who you are, in the journal.",
  }),
  host: text(
    {
      env: "SLIPWAY_HOST",
      flag: "--host <address>",
      default: "127.0.0.1",
      doc: "Address on which predictions are answered; 0.0.0.0 opens it to the network.",
    },
    host,
  ),
  port: wholeNumber(0, 65_535, {
    env: "SLIPWAY_PORT",
    flag: "--port <number>",
    default: 8080,
    doc: "Port on which predictions are answered; 0 takes a free one.",
  }),
  grpcPort: wholeNumber(0, 65_535, {
    env: "SLIPWAY_GRPC_PORT",
    flag: "--grpc-port <number>",
    default: 8081,
    doc: "Port on which predictions are answered over gRPC; 0 takes a free one.",
  }),
  noGrpc: toggle({
    env: "SLIPWAY_NO_GRPC",
    flag: "--no-grpc",
    doc: "Do not answer gRPC.",
  }),
  consoleHost: text(
    {
      env: "SLIPWAY_CONSOLE_HOST",
      flag: "--console-host <address>",
      default: "127.0.0.1",
      doc: "Address of the console: management calls, which need the token.",
    },
    host,
  ),
  consolePort: wholeNumber(0, 65_535, {
    env: "SLIPWAY_CONSOLE_PORT",
    flag: "--console-port <number>",
    default: 4700,
    doc: "Port of the console; 0 takes a free one.",
  }),
  allowedHosts: listOfText(
    {
      env: "SLIPWAY_ALLOWED_HOSTS",
      flag: "--allowed-hosts <names>",
      doc: "Host names under which the console may be reached besides its own address, for instance behind a proxy.",
    },
    host,
  ),
  workers: wholeNumber(1, 256, {
    env: "SLIPWAY_WORKERS",
    flag: "--workers <number>",
    unit: "processes",
    default: 1,
    doc: "Fewest processes that answer predictions.",
  }),
  maxWorkers: wholeNumber(1, 256, {
    env: "SLIPWAY_MAX_WORKERS",
    flag: "--max-workers <number>",
    unit: "processes",
    default: (machine) => machine.cores,
    defaultText: "the number of cores",
    doc: "Most processes that answer predictions; between the fewest and the most their number follows the load. The number of workers where that is larger.",
  }),
  scaleUpCpuPercent: wholeNumber(1, 100, {
    env: "SLIPWAY_SCALE_UP_CPU",
    unit: "percent of a core",
    default: 90,
    doc: "Another worker is started when the workers use at least this much of a core each.",
  }),
  scaleUpLoopDelayMs: wholeNumber(1, 60_000, {
    env: "SLIPWAY_SCALE_UP_LOOP_DELAY_MS",
    unit: "milliseconds",
    default: 50,
    doc: "… or when their event loops are at least this late on average.",
  }),
  scaleUpInFlight: wholeNumber(1, 1_000_000, {
    env: "SLIPWAY_SCALE_UP_IN_FLIGHT",
    unit: "requests",
    default: 200,
    doc: "… or when each has at least this many requests in hand.",
  }),
  scaleUpAfterMs: wholeNumber(0, 3_600_000, {
    env: "SLIPWAY_SCALE_UP_AFTER_MS",
    unit: "milliseconds",
    default: 1_500,
    doc: "How long the workers must be that busy, without a break, before another is started.",
  }),
  scaleDownCpuPercent: wholeNumber(0, 100, {
    env: "SLIPWAY_SCALE_DOWN_CPU",
    unit: "percent of a core",
    default: 50,
    doc: "A worker is stopped when the others would use at most this much of a core each.",
  }),
  scaleDownAfterMs: wholeNumber(0, 86_400_000, {
    env: "SLIPWAY_SCALE_DOWN_AFTER_MS",
    unit: "milliseconds",
    default: 60_000,
    doc: "How long a worker must be superfluous, without a break, before it is stopped.",
  }),
  trainingThreads: wholeNumber(1, 256, {
    env: "SLIPWAY_TRAINING_THREADS",
    flag: "--threads <number>",
    unit: "threads",
    default: (machine) => Math.min(2, machine.cores),
    defaultText: "2, or 1 on a machine with one core",
    doc: "Threads of a training run. The resulting model does not depend on it.",
  }),
  logDurability: oneOf(["os", "fsync"], {
    env: "SLIPWAY_LOG_DURABILITY",
    flag: "--log-durability <level>",
    default: "os",
    doc: 'What an acknowledged prediction survives in the log: the death of any process ("os": it was handed to the operating system), or of the machine too, at the price of a disk flush before each group of answers ("fsync").',
  }),
  logSegmentBytes: byteSize(64 * 1024, 1024 * MEBIBYTE, {
    env: "SLIPWAY_LOG_SEGMENT",
    default: 64 * MEBIBYTE,
    doc: "Length of a segment of the prediction log, after which the next one begins. Ended segments are compacted into Parquet files.",
  }),
  logSegmentMs: wholeNumber(1_000, 86_400_000, {
    env: "SLIPWAY_LOG_SEGMENT_MS",
    unit: "milliseconds",
    default: 600_000,
    doc: "A segment of the prediction log that is older is ended by the next prediction, and an ended one of this age is compacted, however short they are.",
  }),
  logMaxBytes: byteSize(1024 * 1024, 1024 * 1024 * 1024 * MEBIBYTE, {
    env: "SLIPWAY_LOG_MAX",
    flag: "--log-max <size>",
    default: 50 * 1024 * MEBIBYTE,
    doc: "How much room the prediction log takes at most; beyond it the oldest compacted predictions are removed.",
  }),
  onLogFull: oneOf(["refuse", "serve-unlogged"], {
    env: "SLIPWAY_ON_LOG_FULL",
    flag: "--on-log-full <policy>",
    default: "refuse",
    doc: 'What becomes of predictions while the disk of the prediction log is full: they are refused ("refuse"), or answered without being logged ("serve-unlogged"), which their x-slipway-logged header says.',
  }),
  maxBodyBytes: byteSize(1024, 1024 * MEBIBYTE, {
    env: "SLIPWAY_MAX_BODY",
    flag: "--max-body <size>",
    default: 8 * MEBIBYTE,
    doc: "Largest request body that the prediction port reads.",
  }),
  maxHeaderBytes: byteSize(1024, MEBIBYTE, {
    env: "SLIPWAY_MAX_HEADERS",
    default: 16 * 1024,
    doc: "Longest headers of a request.",
  }),
  maxJsonDepth: wholeNumber(4, 1_000, {
    env: "SLIPWAY_MAX_JSON_DEPTH",
    unit: "levels",
    default: 32,
    doc: "Deepest nesting of lists and objects in a request body.",
  }),
  maxInstances: wholeNumber(1, 1_000_000, {
    env: "SLIPWAY_MAX_INSTANCES",
    unit: "instances",
    default: 10_000,
    doc: "Most instances in one request.",
  }),
  requestTimeoutMs: wholeNumber(1, 86_400_000, {
    env: "SLIPWAY_REQUEST_TIMEOUT_MS",
    unit: "milliseconds",
    default: 30_000,
    doc: "Deadline of a request that brings none. What cannot be answered by then is refused, and not computed.",
  }),
  maxQueueWaitMs: wholeNumber(1, 60_000, {
    env: "SLIPWAY_MAX_QUEUE_WAIT_MS",
    unit: "milliseconds",
    default: 50,
    doc: "Longest that a request may be expected to wait in a worker before it is computed; one that would wait longer is refused at once, with status 503.",
  }),
  maxQueuedRequests: wholeNumber(1, 1_000_000, {
    env: "SLIPWAY_MAX_QUEUED",
    unit: "requests",
    default: 10_000,
    doc: "Most requests that wait in a worker, however short.",
  }),
  maxOpenCalls: wholeNumber(1, 100_000, {
    env: "SLIPWAY_MAX_OPEN_CALLS",
    unit: "requests",
    default: 256,
    doc: "Most requests that a worker has in hand for one model that answers later: one on a thread of its own.",
  }),
  headersTimeoutMs: wholeNumber(100, 3_600_000, {
    env: "SLIPWAY_HEADERS_TIMEOUT_MS",
    unit: "milliseconds",
    default: 10_000,
    doc: "Longest time for the headers of a request to arrive.",
  }),
  bodyTimeoutMs: wholeNumber(100, 3_600_000, {
    env: "SLIPWAY_BODY_TIMEOUT_MS",
    unit: "milliseconds",
    default: 30_000,
    doc: "Longest time for a whole request to arrive.",
  }),
  keepAliveMs: wholeNumber(100, 3_600_000, {
    env: "SLIPWAY_KEEP_ALIVE_MS",
    unit: "milliseconds",
    default: 65_000,
    doc: "How long a connection on which nothing arrives is kept; longer than that of a load balancer before the server.",
  }),
  maxConnections: wholeNumber(1, 1_000_000, {
    env: "SLIPWAY_MAX_CONNECTIONS",
    unit: "connections",
    default: 20_000,
    doc: "Most open connections of a worker; more are closed at once.",
  }),
  maxImageBytes: byteSize(1024, 1024 * MEBIBYTE, {
    env: "SLIPWAY_MAX_IMAGE",
    flag: "--max-image <size>",
    default: 32 * MEBIBYTE,
    doc: "Largest image that the prediction port looks into, as a file. In base64 it is a third larger and must fit into the body.",
  }),
  maxImagePixels: wholeNumber(1, 1_000_000_000, {
    env: "SLIPWAY_MAX_IMAGE_PIXELS",
    flag: "--max-image-pixels <number>",
    default: 50_000_000,
    doc: "Largest image that the prediction port looks into, in pixels: a small file can stand for a huge picture.",
  }),
  mergedRows: wholeNumber(1, 1_024, {
    env: "SLIPWAY_MERGED_ROWS",
    unit: "rows",
    default: 32,
    doc: "Most rows of requests to one ONNX model that are answered in one run of it, where every row gets the same bits as alone; 1 to run each request for itself.",
  }),
  storedImages: toggle({
    env: "SLIPWAY_STORED_IMAGES",
    flag: "--stored-images",
    doc: 'Let requests name an image of a snapshot by its digest, as {"digest": "…"}, instead of sending it.',
  }),
  accessLog: text({
    env: "SLIPWAY_ACCESS_LOG",
    flag: "--access-log <where>",
    default: "off",
    doc: 'Where a line of JSON is written for each request: a file, "stdout", or "off". A relative path starts at the project.',
  }),
  accessLogShare: share({
    env: "SLIPWAY_ACCESS_LOG_SAMPLE",
    flag: "--access-log-sample <share>",
    default: 1,
    doc: "Share of the answered requests that the access log holds. Refused ones are always in it.",
  }),
  accessLogMaxBytes: byteSize(64 * 1024, 1024 * 1024 * MEBIBYTE, {
    env: "SLIPWAY_ACCESS_LOG_MAX_SIZE",
    default: 64 * MEBIBYTE,
    doc: "Length at which the access log's file is set aside and a new one is begun.",
  }),
  accessLogFiles: wholeNumber(0, 1_000, {
    env: "SLIPWAY_ACCESS_LOG_FILES",
    unit: "files",
    default: 5,
    doc: "How many files of the access log are kept that were set aside.",
  }),
  accessLogAddresses: oneOf(["network", "full", "none"], {
    env: "SLIPWAY_ACCESS_LOG_ADDRESSES",
    default: "network",
    doc: "How much of a client's address the access log holds: its network (IPv4 to 24 bits, IPv6 to 48), all of it, or nothing.",
  }),
  otlpEndpoint: optionalText(
    {
      env: "OTEL_EXPORTER_OTLP_ENDPOINT",
      doc: "OpenTelemetry collector that traces are sent to, by OTLP over HTTP with JSON; /v1/traces is added to it. Without it nothing is traced.",
    },
    httpUrl,
  ),
  otlpTracesEndpoint: optionalText(
    {
      env: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
      doc: "The same for traces alone, used as it is.",
    },
    httpUrl,
  ),
  otlpHeaders: optionalText(
    {
      env: "OTEL_EXPORTER_OTLP_HEADERS",
      secret: true,
      doc: "Headers that are sent to the collector: name=value, separated by commas, values percent-encoded.",
    },
    keyValuePairs,
  ),
  otelServiceName: text({
    env: "OTEL_SERVICE_NAME",
    default: "slipway",
    doc: "Name of this service in traces.",
  }),
  otelResourceAttributes: optionalText(
    {
      env: "OTEL_RESOURCE_ATTRIBUTES",
      doc: "What else traces say of this service: name=value, separated by commas, values percent-encoded.",
    },
    keyValuePairs,
  ),
  tracesSampler: oneOf(
    [
      "parentbased_always_on",
      "parentbased_always_off",
      "parentbased_traceidratio",
      "always_on",
      "always_off",
      "traceidratio",
    ],
    {
      env: "OTEL_TRACES_SAMPLER",
      default: "parentbased_always_on",
      doc: "Which requests are traced. Those that begin with parentbased do as the caller does, where there is one that traces.",
    },
  ),
  tracesSamplerShare: share({
    env: "OTEL_TRACES_SAMPLER_ARG",
    default: 1,
    doc: "Share of the traces that the samplers by ratio take.",
  }),
  otelDisabled: toggle({
    env: "OTEL_SDK_DISABLED",
    doc: "Trace nothing, whatever else is set.",
  }),
  debug: toggle({
    env: "SLIPWAY_DEBUG",
    flag: "--debug",
    doc: "Print the stack of an error.",
  }),
  noColor: toggle({
    env: "NO_COLOR",
    flag: "--no-color",
    doc: "Print without colours. They are also off where the output is not a terminal.",
  }),
  forceColor: toggle({
    env: "FORCE_COLOR",
    doc: "Print colours even where the output is not a terminal. NO_COLOR wins over it.",
  }),
  continuousIntegration: toggle({
    env: "CI",
    doc: "Print progress as plain lines, never as a moving bar.",
  }),
} satisfies Readonly<Record<string, Setting<unknown>>>;

type SettingTable = typeof settingTable;

export type SettingKey = keyof SettingTable;

/** The values of all settings, by key. */
export type Settings = {
  readonly [Key in SettingKey]: SettingTable[Key] extends Setting<infer Value> ? Value : never;
};
