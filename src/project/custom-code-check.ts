import { allowedGlobals, exactMath, kernelMath } from "../features/spec.ts";
import { projectErrors } from "./errors.ts";

/** A node of a syntax tree (ESTree). */
interface Node {
  readonly type: string;
  readonly [member: string]: unknown;
}

const LOCAL_METHODS = ["localeCompare", "toLocaleString", "toLocaleLowerCase", "toLocaleUpperCase"];
const MATH: readonly string[] = [...exactMath, ...kernelMath];

/**
 * A function that is written in place is taken by its text, so that nothing from around it comes along.
 *
 * @throws PROJECT_BAD_CUSTOM naming what it uses from around it
 */
export function checkInlineFunction(
  source: { readonly name: string; readonly text: string },
  parse: (text: string) => unknown,
): void {
  const { name, text } = source;
  let program: Node;
  try {
    program = parse(`const f = ${text};`) as Node;
  } catch (cause) {
    throw projectErrors.PROJECT_BAD_CUSTOM.error(
      `custom function "${name}" cannot be taken from where it is written`,
      {
        details: { function: name },
        hint: "write it as an arrow function, or export it from a file of the project",
        cause,
      },
    );
  }
  const free = freeNames(program).filter((used) => !allowedGlobals.includes(used));
  const [first] = free;
  if (first === undefined) return;
  throw projectErrors.PROJECT_BAD_CUSTOM.error(
    `custom function "${name}" uses "${first}" from around it, which does not come with it`,
    {
      details: { function: name, uses: free },
      hint: `export the function from a file of the project, together with what it uses, and pass it by its name`,
    },
  );
}

/** Looks through bundled code for what differs by machine, time or chance. @throws PROJECT_BAD_CUSTOM */
export function checkCustomCode(code: string, parse: (text: string) => unknown): void {
  const program = parse(code) as Node;
  const used = freeNames(program).find((name) => name !== "exports" && !allowedGlobals.includes(name));
  if (used !== undefined) throw impure(`"${used}"`, HINTS[used]);
  for (const node of nodesOf(program)) {
    const { type } = node;
    if (type === "ImportExpression" || type === "MetaProperty") throw impure("import() or import.meta");
    if ((type === "BinaryExpression" && node.operator === "**") || node.operator === "**=")
      throw impure("the operator **", "write Math.pow(x, y), which is computed alike everywhere");
    if (type !== "MemberExpression" || node.computed === true) continue;
    const { object, property } = node as unknown as { readonly object: Node; readonly property: Node };
    const member = String(property.name);
    if (LOCAL_METHODS.includes(member)) throw impure(`${member}()`, "it differs by language and country");
    if (object.type === "Identifier" && object.name === "Math" && !MATH.includes(member))
      throw impure(`Math.${member}`, `of Math there are ${MATH.join(", ")}`);
  }
}

const HINTS: Readonly<Record<string, string>> = {
  Date: "times are milliseconds since 1970; take their parts by the feature language, such as c.date.hourOfDay()",
  process: "a feature is made of the columns that it reads",
  console: "nobody would see it",
};

function impure(
  what: string,
  hint = "it differs by machine or moment, or does not exist where a model is served",
): Error {
  return projectErrors.PROJECT_BAD_CUSTOM.error(`custom functions use ${what}`, {
    details: { uses: [what] },
    hint,
  });
}

/**
 * Names that are used and nowhere bound. Scopes are not told apart: what is bound anywhere counts as bound everywhere, which
 * the realm that the code runs in makes up for.
 */
function freeNames(program: Node): string[] {
  const bound = new Set<string>();
  const used = new Set<string>();
  for (const node of nodesOf(program)) {
    switch (node.type) {
      case "VariableDeclarator":
        bindPattern(node.id, bound);
        break;
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        bindPattern(node.id, bound);
        for (const parameter of (node.params as readonly unknown[]) ?? []) bindPattern(parameter, bound);
        if (node.type !== "ArrowFunctionExpression") bound.add("arguments");
        break;
      case "ClassDeclaration":
      case "ClassExpression":
        bindPattern(node.id, bound);
        break;
      case "CatchClause":
        bindPattern(node.param, bound);
        break;
      case "Identifier":
        used.add(String(node.name));
        break;
      default:
    }
  }
  return [...used].filter((name) => !bound.has(name));
}

function bindPattern(pattern: unknown, bound: Set<string>): void {
  if (!isNode(pattern)) return;
  switch (pattern.type) {
    case "Identifier":
      bound.add(String(pattern.name));
      break;
    case "ObjectPattern":
      for (const property of pattern.properties as readonly Node[])
        bindPattern(property.type === "RestElement" ? property.argument : property.value, bound);
      break;
    case "ArrayPattern":
      for (const element of pattern.elements as readonly unknown[]) bindPattern(element, bound);
      break;
    case "RestElement":
      bindPattern(pattern.argument, bound);
      break;
    case "AssignmentPattern":
      bindPattern(pattern.left, bound);
      break;
    default:
  }
}

/** Members that name something without using it. */
function namesOnly(node: Node, member: string): boolean {
  switch (node.type) {
    case "MemberExpression":
      return member === "property" && node.computed !== true;
    case "Property":
    case "MethodDefinition":
    case "PropertyDefinition":
    case "AccessorProperty":
      return member === "key" && node.computed !== true;
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
      return member === "label";
    case "MetaProperty":
      return true;
    default:
      return false;
  }
}

function* nodesOf(node: Node): Iterable<Node> {
  yield node;
  for (const [member, value] of Object.entries(node)) {
    if (namesOnly(node, member)) continue;
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* nodesOf(child);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
