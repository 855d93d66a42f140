import { type Ensemble, splitKinds } from "./ensemble.ts";

/** A node of a tree as its origin numbers it. */
export type OriginNode = OriginSplit | OriginLeaf;

export interface OriginSplit {
  readonly split: keyof typeof splitKinds;
  readonly feature: number;
  readonly missingLeft: boolean;
  /** Where the split has one. */
  readonly threshold?: number;
  /** Bits of the categories that go left. */
  readonly categories?: Uint32Array;
  /** Values that go left. */
  readonly values?: readonly number[];
  readonly left: number;
  readonly right: number;
}

export interface OriginLeaf {
  readonly adds: readonly { readonly sum: number; readonly value: number }[];
  readonly cover: number;
}

type TreeArrays = Pick<
  Ensemble,
  | "treeNodes"
  | "treeLeaves"
  | "nodeKind"
  | "nodeFeature"
  | "nodeMissingLeft"
  | "nodeThreshold"
  | "nodeLeft"
  | "nodeRight"
  | "nodeCategories"
  | "categoryWords"
  | "nodeMembers"
  | "memberValues"
  | "leafEntries"
  | "entrySum"
  | "entryValue"
  | "leafCover"
>;

/** Collects trees in the order in which they are added up. */
export class EnsembleBuilder {
  readonly #treeNodes = [0];
  readonly #treeLeaves = [0];
  readonly #kind: number[] = [];
  readonly #feature: number[] = [];
  readonly #missingLeft: number[] = [];
  readonly #threshold: number[] = [];
  readonly #left: number[] = [];
  readonly #right: number[] = [];
  readonly #categoryEnds = [0];
  readonly #words: Uint32Array[] = [];
  readonly #memberEnds = [0];
  readonly #members: number[] = [];
  readonly #entryEnds = [0];
  readonly #entrySum: number[] = [];
  readonly #entryValue: number[] = [];
  readonly #cover: number[] = [];

  get trees(): number {
    return this.#treeNodes.length - 1;
  }

  /**
   * Adds the tree below `root`, renumbered so that parents stand before their children.
   *
   * @param nodeOf throws for a number that is no node
   * @param onShared must throw: a split was reached twice, so that this is no tree. A leaf may be.
   */
  addTree(root: number, nodeOf: (id: number) => OriginNode, onShared: (id: number) => never): void {
    const firstNode = this.#kind.length;
    const firstLeaf = this.#cover.length;
    const seen = new Set<number>();
    const open: { readonly id: number; readonly parent: number; readonly isLeft: boolean }[] = [
      { id: root, parent: -1, isLeft: true },
    ];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { id, parent, isLeft } = next;
      const node = nodeOf(id);
      const isLeaf = "adds" in node;
      if (seen.has(id) && !isLeaf) onShared(id);
      seen.add(id);
      const place = isLeaf ? ~(this.#cover.length - firstLeaf) : this.#kind.length - firstNode;
      if (parent >= 0) (isLeft ? this.#left : this.#right)[parent] = place;
      if (isLeaf) this.#addLeaf(node);
      else {
        const self = this.#addSplit(node);
        open.push({ id: node.right, parent: self, isLeft: false });
        open.push({ id: node.left, parent: self, isLeft: true });
      }
    }
    this.#treeNodes.push(this.#kind.length);
    this.#treeLeaves.push(this.#cover.length);
  }

  #addSplit(node: OriginSplit): number {
    this.#feature.push(node.feature);
    this.#missingLeft.push(node.missingLeft ? 1 : 0);
    this.#threshold.push(node.threshold ?? 0);
    this.#left.push(0);
    this.#right.push(0);
    const words = node.categories ?? new Uint32Array(0);
    if (words.length > 0) this.#words.push(words);
    this.#categoryEnds.push(this.#categoryEnds.at(-1)! + words.length);
    for (const value of node.values ?? []) this.#members.push(value);
    this.#memberEnds.push(this.#members.length);
    return this.#kind.push(splitKinds[node.split]) - 1;
  }

  #addLeaf({ adds, cover }: OriginLeaf): void {
    for (const { sum, value } of adds) {
      this.#entrySum.push(sum);
      this.#entryValue.push(value);
    }
    this.#entryEnds.push(this.#entrySum.length);
    this.#cover.push(cover >= 0 && cover < Number.POSITIVE_INFINITY ? cover : 0);
  }

  arrays(): TreeArrays {
    const categoryWords = new Uint32Array(this.#categoryEnds.at(-1)!);
    let at = 0;
    for (const words of this.#words) {
      categoryWords.set(words, at);
      at += words.length;
    }
    return {
      treeNodes: Int32Array.from(this.#treeNodes),
      treeLeaves: Int32Array.from(this.#treeLeaves),
      nodeKind: Uint8Array.from(this.#kind),
      nodeFeature: Int32Array.from(this.#feature),
      nodeMissingLeft: Uint8Array.from(this.#missingLeft),
      nodeThreshold: Float64Array.from(this.#threshold),
      nodeLeft: Int32Array.from(this.#left),
      nodeRight: Int32Array.from(this.#right),
      nodeCategories: Int32Array.from(this.#categoryEnds),
      categoryWords,
      nodeMembers: Int32Array.from(this.#memberEnds),
      memberValues: Float64Array.from(this.#members),
      leafEntries: Int32Array.from(this.#entryEnds),
      entrySum: Int32Array.from(this.#entrySum),
      entryValue: Float64Array.from(this.#entryValue),
      leafCover: Float64Array.from(this.#cover),
    };
  }
}
