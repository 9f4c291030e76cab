/** One result on the page: its store, and the views that show it and change it. */

import { type ResultSummary, readEdits, readTree, readVolume } from "./api";
import { nearestToMiddle } from "./centres";
import { colourTable } from "./classes";
import { DiskView } from "./disk-view";
import { byId, oncePerFrame } from "./dom";
import type { Edits, Pick } from "./edits";
import { ExportDialog } from "./export-dialog";
import { count } from "./format";
import { type KeyAction, listKeys, listenToKeys } from "./keyboard";
import { LevelSlider } from "./level-slider";
import { tellError } from "./notices";
import { RowList } from "./row-list";
import { classRows, treeRows } from "./rows";
import { Saving } from "./saving";
import { SelectionPanel } from "./selection-panel";
import { SpotStrip } from "./spot-strip";
import { Store } from "./store";
import { Tree } from "./tree";
import type { VolumeView } from "./volume-view";
import { VolumeControls } from "./volume-controls";

export class Explorer {
  private readonly gone = new AbortController();
  private readonly store: Store;
  private readonly saving: Saving;
  private readonly disk: DiskView;
  private readonly lists: { tree: RowList; classes: RowList };
  private readonly strip: SpotStrip;
  private readonly panel: SelectionPanel;
  private readonly level: LevelSlider;
  private readonly exports: ExportDialog;
  private readonly repaint = oncePerFrame(() => this.paint());
  private opacity = 0.45;

  private constructor(
    private readonly summary: ResultSummary,
    tree: Tree,
    edits: Edits & { revision: number },
    private readonly view: VolumeView,
    step: number,
    private readonly reload: () => void,
  ) {
    const { signal } = this.gone;
    const { revision, cut, names, colours, groups } = edits;
    const size = summary.voxel_size_nm;
    const voxelNm3 = size ? size[0] * size[1] * size[2] : null;
    this.store = new Store(tree, { cut, names, colours, groups });
    this.saving = new Saving(summary.index, revision, (state, words) => {
      byId("save-state").textContent = SAVE_WORDS[state];
      byId("save-state").dataset.state = state;
      if (state === "failed" && words) tellError(new Error(`Not saved: ${words}`));
      if (state === "conflict" && words) void this.askWhose(words);
    });
    this.disk = new DiskView(byId<HTMLCanvasElement>("disk"), this.store, signal);
    this.disk.onLassoMode = (on) => byId("lasso").setAttribute("aria-pressed", String(on));
    this.lists = { tree: this.list("tree", voxelNm3), classes: this.list("classes", voxelNm3) };
    this.strip = new SpotStrip(this.store, step, size);
    this.panel = new SelectionPanel(this.store, voxelNm3, () => this.goTo(), signal);
    this.level = new LevelSlider(this.store, signal);
    this.exports = new ExportDialog(summary.index, this.store, () => this.saving.madeFrom, signal);
    this.listen();
    this.showFacts(step);
    this.changed();
    this.paint();
  }

  /** @param attach Makes the view ready: the server is asked first, and works meanwhile. */
  static async open(
    summary: ResultSummary,
    view: VolumeView,
    attach: () => Promise<void>,
    controls: VolumeControls,
    reload: () => void,
  ): Promise<Explorer> {
    const answers = Promise.all([
      readTree(summary.index),
      readEdits(summary.index),
      // A picture without its volume is worth having: the error is told, and the rest goes on.
      summary.has_image
        ? readVolume(summary.index, "image").catch((error: unknown) => {
            tellError(error);
            return null;
          })
        : null,
      readVolume(summary.index, "leaves"),
    ]);
    const [[columns, edits, image, leaves]] = await Promise.all([answers, attach()]);
    await view.show(image?.bytes ?? null, leaves.bytes);
    const explorer = new Explorer(summary, new Tree(columns), edits, view, leaves.step, reload);
    controls.shows(image !== null, summary.channels, async (channel) => {
      const chosen = await readVolume(summary.index, "image", channel);
      await view.show(chosen.bytes, leaves.bytes);
      explorer.paint();
    });
    return explorer;
  }

  setOpacity(opacity: number): void {
    this.opacity = opacity;
    this.repaint();
  }

  setRendering(on: boolean): void {
    this.view.setRendering(on);
    this.paint();
  }

  themeChanged(): void {
    this.disk.themeChanged();
  }

  close(): void {
    this.saving.stop();
    this.gone.abort();
  }

  private list(id: "tree" | "classes", voxelNm3: number | null): RowList {
    const actions = {
      select: (pick: Pick, added: boolean) =>
        added ? this.store.toggle(pick) : this.store.select([pick]),
      point: (node: number | null) => this.store.point(node),
      expand: (node: number) => this.store.expand([node]),
      collapse: (node: number) => this.store.collapse(node),
    };
    return new RowList(byId(id), voxelNm3, actions, this.gone.signal);
  }

  private listen(): void {
    const { signal } = this.gone;
    const { store, view } = this;
    let known = store.edits;
    store.onChange((change) => {
      if (change === "hover") {
        const pick = store.hoveredPick();
        this.lists.tree.point(pick);
        this.lists.classes.point(pick);
        return;
      }
      if (store.edits !== known) {
        known = store.edits;
        this.saving.changed(known);
        this.changed();
      }
      this.lists.tree.select(store.selection, true);
      this.lists.classes.select(store.selection, true);
      // At once, not before the next picture: what follows may ask what is shown.
      this.paint();
    });
    view.onHover = (spot) => {
      if (spot === null || spot.label === 0) store.point(null);
      else store.point(spot.label - 1);
      this.strip.show(spot ?? view.spotAtCrosshair());
    };
    view.onMove = (spot) => this.strip.show(spot);
    view.onClick = (spot, added) => {
      if (spot.label === 0) {
        if (!added) store.select([]);
        return;
      }
      const pick = store.classOf(spot.label - 1);
      if (added) store.toggle(pick);
      else store.select([pick]);
    };
    this.strip.show(view.spotAtCrosshair());
    const on = (id: string, action: () => void): void =>
      byId(id).addEventListener("click", action, { signal });
    on("undo", () => store.undo());
    on("redo", () => store.redo());
    on("export", () => this.exports.open());
    on("lasso", () => this.disk.setLasso(!this.disk.lasso));
    on("fit-disk", () => this.disk.fit());
    on("tab-tree", () => this.showTab("tree"));
    on("tab-classes", () => this.showTab("classes"));
    const leaves = byId<HTMLInputElement>("show-leaves");
    leaves.checked = false;
    leaves.addEventListener("change", () => this.disk.showLeaves(leaves.checked), { signal });
    const keys = this.keys();
    listenToKeys(keys, signal);
    listKeys(keys);
  }

  /** Everything that follows from the classes. */
  private changed(): void {
    const { store } = this;
    this.lists.tree.show(treeRows(store));
    this.lists.classes.show(classRows(store));
    byId<HTMLButtonElement>("undo").disabled = !store.canUndo;
    byId<HTMLButtonElement>("redo").disabled = !store.canRedo;
    byId("tab-classes").textContent = `Classes ${count(store.table.classes.length)}`;
  }

  private paint(): void {
    const { table } = this.store;
    this.view.paint(colourTable(table, this.opacity, this.store.lit(), this.view.rendering));
  }

  private showFacts(step: number): void {
    const { columns } = this.store.tree;
    byId("disk-title").textContent = this.store.tree.isHyperbolic ? "Poincaré disk" : "Latent plane";
    byId("disk-note").textContent = columns.is_disk ? "" : "projected";
    byId("disk-note").title = columns.is_disk
      ? ""
      : "Codes have more than two coordinates: what is seen here is their projection.";
    byId("step-note").textContent =
      step === 1 ? "" : `shown at 1 voxel of ${step} × ${step} × ${step}; files are whole`;
    byId("list-unit").textContent = this.summary.voxel_size_nm ? "voxels · volume" : "voxels";
  }

  private showTab(shown: "tree" | "classes"): void {
    for (const name of ["tree", "classes"]) {
      byId(name).hidden = name !== shown;
      byId(`tab-${name}`).setAttribute("aria-selected", String(name === shown));
    }
    this.lists[shown].select(this.store.selection, true);
  }

  /** Move the crosshair into the middle of what is selected. */
  private goTo(): void {
    const lit = this.store.lit();
    if (lit === null) return;
    const voxel = nearestToMiddle(this.view.labels, this.view.shape, lit);
    if (voxel) this.view.moveTo(voxel);
  }

  private async askWhose(words: string): Promise<void> {
    const dialog = byId<HTMLDialogElement>("conflict-dialog");
    byId("conflict-words").textContent =
      `${words} Reload to see what is there now; what you changed since you last saved is lost then.`;
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue === "mine") {
      const { revision } = await readEdits(this.summary.index);
      await this.saving.overwrite(revision);
    } else {
      this.saving.forget();
      this.reload();
    }
  }

  private escape(): void {
    if (this.disk.lasso) this.disk.setLasso(false);
    else this.store.select([]);
  }

  private keys(): KeyAction[] {
    const { store, view } = this;
    return [
      { keys: ["+", "="], shown: "+  −", does: "one class more, one fewer", run: () => this.level.step(1) },
      { keys: ["-"], run: () => this.level.step(-1) },
      { keys: ["ArrowLeft"], shown: "← → ↑ ↓", does: "crosshair along x and y", run: () => view.step(-1, 0, 0) },
      { keys: ["ArrowRight"], run: () => view.step(1, 0, 0) },
      { keys: ["ArrowUp"], run: () => view.step(0, 1, 0) },
      { keys: ["ArrowDown"], run: () => view.step(0, -1, 0) },
      { keys: ["PageUp", "."], shown: "PgUp  PgDn", does: "crosshair along z", run: () => view.step(0, 0, 1) },
      { keys: ["PageDown", ","], run: () => view.step(0, 0, -1) },
      { keys: ["e"], shown: "E", does: "expand: split a class into its two parts", run: () => this.panel.expand() },
      { keys: ["c"], shown: "C", does: "collapse: a class into its parent", run: () => this.panel.collapse() },
      { keys: ["n"], shown: "N", does: "name what is selected", run: () => this.panel.startNaming() },
      { keys: ["m"], shown: "M", does: "merge what is selected into one group", run: () => store.merge() },
      { keys: ["g"], shown: "G", does: "dissolve a group", run: () => store.dissolve() },
      { keys: ["l"], shown: "L", does: "lasso points on the disk into a group", run: () => this.disk.setLasso(!this.disk.lasso) },
      { keys: ["f"], shown: "F", does: "go to the middle of what is selected", run: () => this.goTo() },
      { keys: ["Escape"], shown: "Esc", does: "select nothing", run: () => this.escape() },
      { keys: ["z"], withControl: true, withShift: false, shown: "Ctrl-Z", does: "undo", run: () => store.undo() },
      { keys: ["z"], withControl: true, withShift: true, shown: "Ctrl-Shift-Z", does: "redo", run: () => store.redo() },
      { keys: ["?"], shown: "?", does: "this list", run: () => byId("help").click() },
    ];
  }
}

const SAVE_WORDS = {
  saved: "saved",
  waiting: "…",
  saving: "saving",
  failed: "not saved",
  conflict: "not saved",
} as const;
