/** What is selected: its name, colour and size, and what can be done with it. */

import { colourOf, nameOf } from "./classes";
import { byId } from "./dom";
import { type Pick, keyOf } from "./edits";
import { count, plural, volume } from "./format";
import type { Store } from "./store";
import { hex } from "./tree";

export class SelectionPanel {
  private readonly none = byId("selection-none");
  private readonly some = byId("selection-some");
  private readonly name = byId<HTMLInputElement>("class-name");
  private readonly colour = byId<HTMLInputElement>("class-colour");
  private shown = "";

  constructor(
    private readonly store: Store,
    private readonly voxelNm3: number | null,
    goTo: () => void,
    signal: AbortSignal,
  ) {
    const on = (id: string, action: () => void): void =>
      byId(id).addEventListener("click", action, { signal });
    on("expand", () => this.expand());
    on("collapse", () => this.collapse());
    on("merge", () => store.merge());
    on("dissolve", () => store.dissolve());
    on("focus", goTo);
    on("clear", () => store.select([]));
    this.name.addEventListener("change", () => this.rename(), { signal });
    this.name.addEventListener("keydown", (event) => this.typed(event), { signal });
    this.colour.addEventListener("input", () => this.recolour(), { signal });
    store.onChange((change) => {
      if (change !== "hover") this.show();
    });
    this.show();
  }

  expand(): void {
    this.store.expand(this.nodes());
  }

  collapse(): void {
    const [first] = this.nodes();
    if (first !== undefined) this.store.collapse(first);
  }

  /** Put the cursor into the name of what is selected. */
  startNaming(): void {
    if (this.store.selection.length !== 1) return;
    this.name.focus();
    this.name.select();
  }

  private nodes(): number[] {
    return this.store.selection.flatMap((pick) => (pick.kind === "node" ? [pick.node] : []));
  }

  private only(): Pick | null {
    return this.store.selection.length === 1 ? this.store.selection[0] : null;
  }

  private show(): void {
    const { store } = this;
    const { selection } = store;
    this.none.hidden = selection.length > 0;
    this.some.hidden = selection.length === 0;
    if (selection.length === 0) return;
    const only = this.only();
    this.name.disabled = this.colour.disabled = only === null;
    const key = only ? keyOf(only) : `${selection.length}`;
    // What is being typed is not overwritten by what somebody does elsewhere.
    if (document.activeElement !== this.name || key !== this.shown) {
      this.name.value = only ? nameOf(store.tree, store.edits, only) : `${selection.length} selected`;
    }
    this.shown = key;
    this.colour.value = hex(...colourOf(store.tree, store.edits, only ?? selection[0]));
    byId("selection-size").textContent = this.size();
    const nodes = this.nodes();
    this.enable("expand", nodes.some((node) => store.canExpand(node)));
    this.enable("collapse", nodes.length === 1 && store.canCollapse(nodes[0]));
    this.enable("merge", selection.length > 1);
    this.enable("dissolve", selection.some((pick) => pick.kind === "group"));
  }

  private size(): string {
    const lit = this.store.lit();
    let voxels = 0;
    lit?.forEach((on, leaf) => {
      if (on) voxels += this.store.tree.sizes[leaf];
    });
    const space = this.voxelNm3 === null ? "" : ` · ${volume(voxels * this.voxelNm3)}`;
    return `${count(voxels)} ${voxels === 1 ? "voxel" : "voxels"}${space}`;
  }

  private enable(id: string, able: boolean): void {
    byId<HTMLButtonElement>(id).disabled = !able;
  }

  private rename(): void {
    const only = this.only();
    if (only === null) return;
    // Its number is no name that anybody gave.
    const unnamed = nameOf(this.store.tree, { ...this.store.edits, names: {} }, only);
    const name = this.name.value.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ").trim();
    this.store.rename(only, only.kind === "node" && name === unnamed ? "" : name);
  }

  private typed(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.key === "Enter") this.name.blur();
    if (event.key === "Escape") {
      this.shown = "";
      const only = this.only();
      if (only) this.name.value = nameOf(this.store.tree, this.store.edits, only);
      this.name.blur();
    }
  }

  private recolour(): void {
    const only = this.only();
    if (only) this.store.recolour(only, this.colour.value);
  }
}

export function describeSelection(store: Store): string {
  const { selection } = store;
  if (selection.length === 0) return "Nothing is selected.";
  if (selection.length > 1) return plural(selection.length, "class", "classes");
  return nameOf(store.tree, store.edits, selection[0]);
}
