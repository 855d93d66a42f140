import { assertNever, exp, log1p } from "../../kernel/index.ts";
import type { Ensemble, Link } from "./ensemble.ts";

/** The output that one sum becomes. Softmax needs all sums: see `softmax`. */
export function scalarLink({
  link,
  arithmetic,
}: Pick<Ensemble, "link" | "arithmetic">): (sum: number) => number {
  return arithmetic === "float32" ? float32Link(link) : float64Link(link);
}

function float64Link(link: Link): (sum: number) => number {
  switch (link.kind) {
    case "identity":
      // −0 does not leave an engine: it has no spelling in JSON.
      return (sum) => sum + 0;
    case "exponential":
      return exp;
    case "signedSquare":
      return (sum) => (sum < 0 ? -(sum * sum) : sum * sum);
    case "logOnePlusExp":
      return (sum) => log1p(exp(sum));
    case "step":
      return (sum) => (sum > 0 ? 1 : 0);
    case "logistic": {
      const { slope } = link;
      return (sum) => 1 / (1 + exp(-slope * sum));
    }
    case "softmax":
      return () => 1;
    default:
      return assertNever(link);
  }
}

const { fround } = Math;

/** The same functions with every step rounded to float32. */
function float32Link(link: Link): (sum: number) => number {
  switch (link.kind) {
    case "identity":
    case "step":
    case "softmax":
      return float64Link(link);
    case "exponential":
      return (sum) => fround(exp(sum));
    case "signedSquare":
      return (sum) => fround(sum < 0 ? -(sum * sum) : sum * sum);
    case "logOnePlusExp":
      return (sum) => fround(log1p(fround(exp(sum))));
    case "logistic": {
      const { slope } = link;
      return (sum) => fround(1 / fround(1 + fround(exp(-fround(slope * sum)))));
    }
    default:
      return assertNever(link);
  }
}

/** e^x over the sum of e^x of all, shifted by the largest, in place. */
export function softmax(values: Float64Array, arithmetic: Ensemble["arithmetic"]): void {
  const round = arithmetic === "float32" ? fround : (value: number): number => value;
  let largest = values[0]!;
  for (let i = 1; i < values.length; i++) if (values[i]! > largest) largest = values[i]!;
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    values[i] = round(exp(round(values[i]! - largest)));
    total += values[i]!;
  }
  total = round(total);
  for (let i = 0; i < values.length; i++) values[i] = round(values[i]! / total);
}
