/**
 * What an error means to whoever receives it. Transports map kinds to statuses (HTTP, gRPC, exit codes);
 * rooms never name a status.
 */
export type ErrorKind =
  | "invalid"
  | "denied"
  | "not-found"
  | "conflict"
  | "unsupported"
  | "exhausted"
  | "unavailable"
  | "internal";

/** Values that may stand in an error's details: they are printed, logged and sent as JSON. */
export type ErrorDetail =
  | string
  | number
  | boolean
  | null
  | readonly ErrorDetail[]
  | { readonly [key: string]: ErrorDetail };

export type ErrorDetails = Readonly<Record<string, ErrorDetail>>;

/** One line of a room's error table. */
export interface ErrorDefinition {
  readonly kind: ErrorKind;
  /** One sentence for the reference page: when this is raised. */
  readonly doc: string;
  /** True when the same call may succeed later without a change by the user. Default false. */
  readonly retryable?: boolean;
}

export interface ErrorOptions {
  readonly details?: ErrorDetails;
  /** What the user can do about it; printed on a line of its own. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * The one error class of the product. `code` is stable and documented; `message` names what is wrong and where;
 * `details` carries the same facts for programs (file, line, column, field, value).
 */
export class SlipwayError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly retryable: boolean;
  readonly details: ErrorDetails;
  readonly hint: string | undefined;

  constructor(code: string, definition: ErrorDefinition, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "SlipwayError";
    this.code = code;
    this.kind = definition.kind;
    this.retryable = definition.retryable ?? false;
    this.details = options.details ?? {};
    this.hint = options.hint;
  }

  /** The form in which an error crosses a process or a wire. */
  toJSON(): SerializedError {
    return {
      code: this.code,
      kind: this.kind,
      message: this.message,
      retryable: this.retryable,
      details: this.details,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
    };
  }
}

export interface SerializedError {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: ErrorDetails;
  readonly hint?: string;
}

/** Rebuilds an error that crossed a process or a wire. */
export function deserializeError(error: SerializedError): SlipwayError {
  return new SlipwayError(
    error.code,
    { kind: error.kind, doc: "", retryable: error.retryable },
    error.message,
    {
      details: error.details,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    },
  );
}

export interface ErrorFactory extends ErrorDefinition {
  readonly code: string;
  readonly error: (message: string, options?: ErrorOptions) => SlipwayError;
  /** True when `thrown` is an error of this code. */
  readonly is: (thrown: unknown) => thrown is SlipwayError;
}

export type ErrorTable<Code extends string = string> = Readonly<Record<Code, ErrorFactory>>;

/**
 * Declares a room's error codes. Every `src/<room>/errors.ts` exports one table; the reference page is generated
 * from all of them, and a code once published is never reused for something else.
 */
export function defineErrors<const Code extends string>(
  definitions: Readonly<Record<Code, ErrorDefinition>>,
): ErrorTable<Code> {
  const entries = Object.entries<ErrorDefinition>(definitions).map(([code, definition]) => [
    code,
    {
      ...definition,
      code,
      error: (message: string, options?: ErrorOptions) =>
        new SlipwayError(code, definition, message, options),
      is: (thrown: unknown): thrown is SlipwayError => thrown instanceof SlipwayError && thrown.code === code,
    },
  ]);
  return Object.freeze(Object.fromEntries(entries));
}

/** For the `default` branch of an exhaustive switch: a new member of the union becomes a compile error here. */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
