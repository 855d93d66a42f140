import { z } from "zod";

/** An operation of the control plane, and what their inputs are made of. */

export interface Operation<Input extends z.ZodType, Output extends z.ZodType> {
  readonly doc: string;
  readonly input: Input;
  readonly output: Output;
  /** True when the operation changes nothing. */
  readonly reads: boolean;
  /** Most bytes that its input may have as JSON, where that is more than the usual few. */
  readonly largestInput?: number;
}

export const reading = <Input extends z.ZodType, Output extends z.ZodType>(
  doc: string,
  schemas: { readonly input: Input; readonly output: Output },
): Operation<Input, Output> => ({ doc, reads: true, ...schemas });

export const changing = <Input extends z.ZodType, Output extends z.ZodType>(
  doc: string,
  schemas: { readonly input: Input; readonly output: Output },
): Operation<Input, Output> => ({ doc, reads: false, ...schemas });

export const name = z.string().min(1).max(200);
export const absolutePath = z
  .string()
  .max(4096)
  .refine((path) => /^(\/|[A-Za-z]:[\\/])/.test(path), { error: "an absolute path is wanted" });
export const limit = z.number().int().min(1).max(10_000);
export const reason = z.string().max(2000).optional().describe("Why, for the journal.");
export const instant = z.iso
  .datetime({ offset: true, error: "an ISO 8601 time with a zone is wanted, such as 2026-01-31T12:00:00Z" })
  .optional();

export const threads = z
  .number()
  .int()
  .min(1)
  .max(256)
  .optional()
  .describe("Worker threads of the trainer; the result does not depend on it.");
