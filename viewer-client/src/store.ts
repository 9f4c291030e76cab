/** What the page shows: one result, what was decided about it, and what is pointed at. */

import { type ClassTable, classTable, litLeaves } from "./classes";
import {
  type Edits,
  type Pick,
  collapsed,
  dissolved,
  expanded,
  grouped,
  groupPick,
  keyOf,
  merged,
  nodePick,
  withColour,
  withCut,
  withName,
} from "./edits";
import { History } from "./history";
import type { Tree } from "./tree";

/** What changed: the classes, what is selected, or only what is pointed at. */
export type Change = "classes" | "selection" | "hover";

export class Store {
  private readonly history: History<Edits>;
  private readonly listeners: ((change: Change) => void)[] = [];
  private currentCut: number[] = [];
  private currentTable!: ClassTable;
  private picks: Pick[] = [];
  private hovered: number | null = null;

  constructor(
    readonly tree: Tree,
    edits: Edits,
  ) {
    this.history = new History(edits);
    this.derive();
  }

  get edits(): Edits {
    return this.history.state;
  }

  /** Nodes of the cut that is shown, chosen or not. */
  get cut(): number[] {
    return this.currentCut;
  }

  get table(): ClassTable {
    return this.currentTable;
  }

  get selection(): readonly Pick[] {
    return this.picks;
  }

  /** Leaf or other node under the pointer. */
  get hover(): number | null {
    return this.hovered;
  }

  /** What is listed of what is under the pointer: a node down to the cut, or the class of a leaf. */
  hoveredPick(): Pick | null {
    const node = this.hovered;
    if (node === null) return null;
    const below = this.currentCut.some((each) => each !== node && this.tree.holds(each, node));
    return below ? this.classOf(this.tree.leavesOf(node)[0]) : this.pickOf(node);
  }

  get canUndo(): boolean {
    return this.history.canUndo;
  }

  get canRedo(): boolean {
    return this.history.canRedo;
  }

  /** 1 for every leaf of the selection; null where nothing is selected. */
  lit(): Uint8Array | null {
    return litLeaves(this.tree, this.edits, this.table, this.picks);
  }

  onChange(listener: (change: Change) => void): void {
    this.listeners.push(listener);
  }

  setLevel(classes: number): void {
    const most = this.tree.nLeaves;
    const wanted = Math.max(1, Math.min(most, Math.round(classes)));
    const cut = this.tree.horizontalCut(wanted);
    const shown = new Set(this.currentCut);
    if (cut.length === shown.size && cut.every((node) => shown.has(node))) return;
    this.commit(withCut(this.edits, cut), "level");
  }

  /** The next change of the level is a step of its own. */
  settleLevel(): void {
    this.history.settle();
  }

  select(picks: Pick[]): void {
    this.picks = picks;
    this.notify("selection");
  }

  /** Select one more, or one fewer. */
  toggle(pick: Pick): void {
    const key = keyOf(pick);
    const without = this.picks.filter((each) => keyOf(each) !== key);
    this.select(without.length < this.picks.length ? without : [...this.picks, pick]);
  }

  point(node: number | null): void {
    if (node === this.hovered) return;
    this.hovered = node;
    this.notify("hover");
  }

  /** The class of a leaf, as something to select. */
  classOf(leaf: number): Pick {
    return this.table.classes[this.table.ofLeaf[leaf]].pick;
  }

  /** A node as something to select: itself, or the group that took all of it. */
  pickOf(node: number): Pick {
    const key = keyOf(nodePick(node));
    const taken = this.cut.includes(node) && !this.table.classes.some(({ pick }) => keyOf(pick) === key);
    return taken ? this.classOf(this.tree.leavesOf(node)[0]) : nodePick(node);
  }

  canExpand(node: number): boolean {
    return !this.tree.isLeaf(node) && this.cut.includes(node);
  }

  canCollapse(node: number): boolean {
    return node !== this.tree.root || !this.cut.includes(node);
  }

  /** Split classes into their two parts. */
  expand(nodes: number[]): void {
    const able = nodes.filter((node) => this.canExpand(node));
    if (able.length === 0) return;
    this.picks = able.flatMap((node) => this.tree.childrenOf(node)).map(nodePick);
    this.commit(withCut(this.edits, expanded(this.tree, this.cut, able)));
  }

  /** Make a node above the cut one class; a class goes into its parent. */
  collapse(node: number): void {
    const above = this.cut.includes(node) ? this.tree.parents[node] : node;
    const cut = collapsed(this.tree, this.cut, above);
    if (cut === this.cut || (node === this.tree.root && this.cut.includes(node))) return;
    this.picks = [nodePick(above)];
    this.commit(withCut(this.edits, cut));
  }

  rename(pick: Pick, name: string): void {
    this.commit(withName(this.edits, pick, name), `name ${keyOf(pick)}`);
    this.history.settle();
  }

  recolour(pick: Pick, colour: string | null): void {
    this.commit(withColour(this.edits, pick, colour), `colour ${keyOf(pick)}`);
  }

  merge(): void {
    if (this.picks.length < 2) return;
    const edits = merged(this.tree, this.edits, this.picks);
    this.picks = [groupPick(edits.groups.length - 1)];
    this.commit(edits);
  }

  group(nodes: number[]): void {
    if (nodes.length === 0) return;
    const edits = grouped(this.tree, this.edits, nodes);
    this.picks = [groupPick(edits.groups.length - 1)];
    this.commit(edits);
  }

  dissolve(): void {
    const groups = this.picks.flatMap((pick) => (pick.kind === "group" ? [pick.group] : []));
    if (groups.length === 0) return;
    this.picks = [];
    this.commit(dissolved(this.edits, groups));
  }

  undo(): void {
    if (this.history.undo()) this.restored();
  }

  redo(): void {
    if (this.history.redo()) this.restored();
  }

  private commit(edits: Edits, key: string | null = null): void {
    this.history.push(edits, key);
    this.derive();
    this.dropWhatIsGone();
    this.notify("classes");
  }

  private restored(): void {
    this.derive();
    this.dropWhatIsGone();
    this.notify("classes");
  }

  private derive(): void {
    this.currentCut = this.edits.cut ?? this.tree.horizontalCut(firstLevel(this.tree));
    this.currentTable = classTable(this.tree, this.edits, this.currentCut);
  }

  /** Groups have numbers, so a group that is gone must not stay selected as another. */
  private dropWhatIsGone(): void {
    this.picks = this.picks.filter(
      (pick) => pick.kind === "node" || pick.group < this.edits.groups.length,
    );
  }

  private notify(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }
}

/** Classes that are shown before anybody chose: as many as `gyrovox.results.first_cut` has. */
export function firstLevel(tree: Tree): number {
  return Math.min(8, tree.nLeaves);
}
