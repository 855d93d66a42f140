import { z } from "zod";

/** A path on the machine of the control plane. */
export const absolutePath = z
  .string()
  .max(4096)
  .refine((path) => /^(\/|[A-Za-z]:[\\/])/.test(path), { error: "an absolute path is wanted" });
