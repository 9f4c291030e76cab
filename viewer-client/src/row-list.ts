/** A list of thousands of rows, of which only those in sight are in the page. */

import { element, oncePerFrame } from "./dom";
import { type Pick, keyOf } from "./edits";
import { count, volume } from "./format";
import type { Row } from "./rows";
import { hex } from "./tree";

const ROW_HEIGHT = 26;
/** Rows above and below what is in sight. */
const SPARE = 6;
const DEEPEST_INDENT = 14;

export interface RowActions {
  select(pick: Pick, added: boolean): void;
  point(node: number | null): void;
  expand(node: number): void;
  collapse(node: number): void;
}

interface Drawn {
  root: HTMLDivElement;
  toggle: HTMLButtonElement;
  swatch: HTMLSpanElement;
  name: HTMLSpanElement;
  note: HTMLSpanElement;
  voxels: HTMLSpanElement;
  nm3: HTMLSpanElement;
}

export class RowList {
  private rows: Row[] = [];
  private selected = new Set<string>();
  private pointed: string | null = null;
  private readonly space = element("div", "rows-space");
  private readonly pool: Drawn[] = [];
  private readonly redraw = oncePerFrame(() => this.draw());

  constructor(
    private readonly container: HTMLElement,
    private readonly voxelNm3: number | null,
    private readonly actions: RowActions,
    signal: AbortSignal,
  ) {
    this.space.setAttribute("role", "none");
    container.replaceChildren(this.space);
    container.addEventListener("scroll", this.redraw, { signal, passive: true });
    container.addEventListener("keydown", (event) => this.key(event), { signal });
    container.addEventListener("pointerleave", () => actions.point(null), { signal });
    const observer = new ResizeObserver(this.redraw);
    observer.observe(container);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  show(rows: Row[]): void {
    this.rows = rows;
    this.redraw();
  }

  /** @param reveal Whether to scroll to the first row that is selected. */
  select(picks: readonly Pick[], reveal: boolean): void {
    this.selected = new Set(picks.map(keyOf));
    if (reveal) this.reveal();
    this.redraw();
  }

  /** Mark the row of what is pointed at. */
  point(pick: Pick | null): void {
    this.pointed = pick && keyOf(pick);
    this.redraw();
  }

  private reveal(): void {
    const index = this.rows.findIndex((row) => this.selected.has(keyOf(row.pick)));
    if (index < 0) return;
    const { scrollTop, clientHeight } = this.container;
    const top = index * ROW_HEIGHT;
    if (top < scrollTop || top + ROW_HEIGHT > scrollTop + clientHeight) {
      this.space.style.height = `${this.rows.length * ROW_HEIGHT}px`;
      this.container.scrollTop = Math.max(0, top - clientHeight / 2);
    }
  }

  private draw(): void {
    this.space.style.height = `${this.rows.length * ROW_HEIGHT}px`;
    const { scrollTop, clientHeight } = this.container;
    const first = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT) - SPARE);
    const last = Math.min(
      this.rows.length,
      Math.ceil((scrollTop + clientHeight) / ROW_HEIGHT) + SPARE,
    );
    while (this.pool.length < last - first) this.pool.push(this.blank());
    this.pool.forEach((drawn, index) => {
      const used = first + index < last;
      drawn.root.hidden = !used;
      if (used) this.fill(drawn, this.rows[first + index], first + index);
      else {
        // What it was is shown by another row now.
        drawn.root.removeAttribute("id");
        delete drawn.root.dataset.pick;
      }
    });
  }

  private blank(): Drawn {
    const root = element("div", "row");
    root.setAttribute("role", "treeitem");
    const drawn: Drawn = {
      root,
      toggle: element("button", "row-toggle"),
      swatch: element("span", "swatch"),
      name: element("span", "row-name"),
      note: element("span", "row-note"),
      voxels: element("span", "row-size"),
      nm3: element("span", "row-size row-nm3"),
    };
    drawn.toggle.type = "button";
    drawn.toggle.tabIndex = -1;
    root.append(drawn.toggle, drawn.swatch, drawn.name, drawn.note, drawn.voxels, drawn.nm3);
    root.addEventListener("click", (event) => {
      const row = this.rows[Number(root.dataset.index)];
      if (row) this.actions.select(row.pick, event.shiftKey);
    });
    root.addEventListener("pointerenter", () => {
      const row = this.rows[Number(root.dataset.index)];
      if (row?.pick.kind === "node") this.actions.point(row.pick.node);
    });
    drawn.toggle.addEventListener("click", (event) => {
      event.stopPropagation();
      const row = this.rows[Number(root.dataset.index)];
      if (row) this.flip(row);
    });
    this.space.append(root);
    return drawn;
  }

  private fill(drawn: Drawn, row: Row, index: number): void {
    const { root, toggle } = drawn;
    const key = keyOf(row.pick);
    root.dataset.index = String(index);
    root.dataset.pick = key;
    root.id = `${this.container.id}-${key}`;
    root.style.transform = `translateY(${index * ROW_HEIGHT}px)`;
    // Deep trees lean over to the right only so far.
    root.style.paddingLeft = `${6 + 12 * Math.min(row.depth, DEEPEST_INDENT)}px`;
    root.classList.toggle("above", !row.isClass);
    root.classList.toggle("unnamed", !row.named);
    root.classList.toggle("pointed", key === this.pointed);
    root.setAttribute("aria-selected", String(this.selected.has(key)));
    root.setAttribute("aria-level", String(row.depth + 1));
    if (row.open === null) root.removeAttribute("aria-expanded");
    else root.setAttribute("aria-expanded", String(row.open));
    toggle.style.visibility = row.open === null ? "hidden" : "visible";
    toggle.setAttribute("aria-label", `${row.open ? "Collapse" : "Expand"} ${row.name}`);
    drawn.swatch.style.backgroundColor = hex(...row.colour);
    drawn.name.textContent = row.name;
    drawn.name.title = row.name;
    drawn.note.textContent = row.note;
    drawn.voxels.textContent = count(row.size);
    drawn.voxels.title = `${count(row.size)} voxels`;
    drawn.nm3.textContent = this.voxelNm3 === null ? "" : volume(row.size * this.voxelNm3);
  }

  private flip(row: Row): void {
    if (row.pick.kind !== "node") return;
    if (row.open) this.actions.collapse(row.pick.node);
    else this.actions.expand(row.pick.node);
  }

  private key(event: KeyboardEvent): void {
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    const at = this.rows.findIndex((row) => this.selected.has(keyOf(row.pick)));
    const row = this.rows[at];
    if (move !== undefined) {
      const next = this.rows[Math.max(0, Math.min(this.rows.length - 1, at + move))];
      if (next) this.actions.select(next.pick, false);
    } else if (event.key === "ArrowRight" && row?.open === false) this.flip(row);
    else if (event.key === "ArrowLeft" && row?.pick.kind === "node") {
      this.actions.collapse(row.pick.node);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
