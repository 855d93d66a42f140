/**
 * Object literals in the source of a config, found without a parser: in a copy of the text where whatever is not code
 * (comments, what stands between quotes, regular expressions) is blanked, brackets and commas mean what they seem to.
 */

/** One member of an object literal. Positions are those in the text. */
export interface Member {
  /** Undefined for spreads, methods and computed names. */
  readonly name: string | undefined;
  readonly valueStart: number;
  readonly valueEnd: number;
}

export interface ObjectLiteral {
  /** Of the opening and of the closing brace. */
  readonly start: number;
  readonly end: number;
  readonly members: readonly Member[];
  /** Behind the last member, without a comma; behind the brace where there is none. */
  readonly lastEnd: number;
  readonly trailingComma: boolean;
}

/** The text with everything that is not code as blanks, quotes and slashes kept; of the same length. */
export function maskSource(text: string): string {
  const masked = text.split("");
  const blank = (from: number, to: number): void => {
    for (let at = from; at < to; at++) if (masked[at] !== "\n") masked[at] = " ";
  };
  let before = "";
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at, at + 2);
    const char = text[at]!;
    if (rest === "//" || rest === "/*") {
      const found = rest === "//" ? text.indexOf("\n", at) : text.indexOf("*/", at + 2) + 2;
      const end = found < (rest === "//" ? 0 : 2) ? text.length : found;
      blank(at, end);
      at = end;
    } else if (char === '"' || char === "'" || char === "`" || (char === "/" && startsRegExp(before))) {
      const end = literalEnd(text, at);
      blank(at + 1, end - 1);
      before = char;
      at = end;
    } else {
      if (!/\s/.test(char)) before = char;
      at += 1;
    }
  }
  return masked.join("");
}

/** A slash behind a value divides. */
function startsRegExp(before: string): boolean {
  return before === "" || "(,=:[!&|?{};+-*%<>~^".includes(before);
}

/** Behind the closing quote of a text, template or regular expression. */
function literalEnd(text: string, start: number): number {
  const quote = text[start]!;
  let inClass = false;
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\\") at += 1;
    else if (quote === "/" && char === "[") inClass = true;
    else if (quote === "/" && char === "]") inClass = false;
    else if (quote === "`" && text.startsWith("${", at)) at = placeholderEnd(text, at + 2) - 1;
    else if (char === quote && !inClass) return at + 1;
  }
  return text.length;
}

/** Behind the brace that closes a `${`. */
function placeholderEnd(text: string, start: number): number {
  let depth = 1;
  for (let at = start; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"' || char === "'" || char === "`") at = literalEnd(text, at) - 1;
    else if (char === "{") depth += 1;
    else if (char === "}") {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

/** The literal whose brace opens at `start`, or undefined when it is never closed. */
export function objectAt(text: string, masked: string, start: number): ObjectLiteral | undefined {
  const members: Member[] = [];
  let from = start + 1;
  let depth = 0;
  let trailingComma = false;
  for (let at = start + 1; at < masked.length; at++) {
    const char = masked[at]!;
    if ("([{".includes(char)) depth += 1;
    else if (depth > 0 && ")]}".includes(char)) depth -= 1;
    else if (depth === 0 && (char === "," || char === "}")) {
      const member = memberBetween(text, masked, { from, to: at });
      if (member !== undefined) members.push(member);
      if (char === "}") {
        const lastEnd = members.at(-1)?.valueEnd ?? start + 1;
        return { start, end: at, members, lastEnd, trailingComma: member === undefined && trailingComma };
      }
      trailingComma = true;
      from = at + 1;
    } else if (depth === 0 && ")]".includes(char)) return undefined;
  }
  return undefined;
}

function memberBetween(
  text: string,
  masked: string,
  { from, to }: { readonly from: number; readonly to: number },
): Member | undefined {
  const code = masked.slice(from, to);
  if (code.trim() === "") return undefined;
  const start = from + code.length - code.trimStart().length;
  const end = from + code.trimEnd().length;
  const named = /^(?:(["'])\s*\1|[A-Za-z_$][\w$]*|\d+)\s*:\s*/.exec(masked.slice(start, end));
  if (named === null) return { name: undefined, valueStart: start, valueEnd: end };
  const key = text.slice(start, start + named[0].indexOf(":")).trim();
  const name = named[1] === undefined ? key : key.slice(1, -1);
  return {
    name: name.includes("\\") ? undefined : name,
    valueStart: start + named[0].length,
    valueEnd: end,
  };
}

/** True for a value that is written out: nothing in it is a name, a call or a template. */
export function isPlainLiteral(masked: string): boolean {
  const words = masked.replace(/(["'])\s*\1/g, "0").replace(/[\w$"']+\s*:/g, "");
  return /^[\s\d.,[\]{}+\-e]*$/.test(words.replace(/\b(?:true|false|null)\b/g, "0"));
}
