/** Takes classes, masks, meshes and points out of the result, as files. */

import { type ExportKind, type ExportedFile, exportFile } from "./api";
import { byId, element } from "./dom";
import { plural } from "./format";
import { tellError } from "./notices";
import { describeSelection } from "./selection-panel";
import type { Store } from "./store";

const VOLUME_FORMATS: [string, string][] = [
  ["", "as the source"],
  [".mrc", ".mrc"],
  [".nii.gz", ".nii.gz"],
  [".tif", ".tif"],
  [".h5", ".h5"],
  [".zarr", ".zarr (zipped)"],
];

export class ExportDialog {
  private readonly dialog = byId<HTMLDialogElement>("export-dialog");
  private points: { file: ExportedFile; asked: string } | null = null;

  constructor(
    private readonly result: number,
    private readonly store: Store,
    private readonly revision: () => number,
    signal: AbortSignal,
  ) {
    for (const id of ["labels-format", "mask-format"]) {
      byId(id).replaceChildren(
        ...VOLUME_FORMATS.map(([value, shown]) => {
          const option = element("option", "", shown);
          option.value = value;
          return option;
        }),
      );
    }
    const on = (id: string, action: () => Promise<void>): void =>
      byId(id).addEventListener("click", () => void this.busy(id, action), { signal });
    on("export-labels", () => this.save("labels", "labels-format"));
    on("export-mask", () => this.save("mask", "mask-format"));
    on("export-mesh", () => this.save("mesh", "mesh-format"));
    on("count-points", () => this.countPoints());
    on("export-points", () => this.savePoints());
    byId("points-format").addEventListener("change", () => this.forgetPoints(), { signal });
  }

  open(): void {
    this.forgetPoints();
    byId("export-done").textContent = "";
    const some = this.store.selection.length > 0;
    byId("export-what").textContent =
      `${plural(this.store.table.classes.length, "class", "classes")} are shown. ` +
      "Files hold every voxel of the volume, however coarse its picture here is.";
    byId("export-selected-title").textContent = some
      ? `Selected: ${describeSelection(this.store)}`
      : "Nothing is selected";
    byId<HTMLFieldSetElement>("export-selected").disabled = !some;
    this.dialog.showModal();
  }

  private async save(what: ExportKind, formatFrom: string): Promise<void> {
    download(await this.ask(what, byId<HTMLSelectElement>(formatFrom).value));
  }

  private async countPoints(): Promise<void> {
    const format = byId<HTMLSelectElement>("points-format").value;
    const file = await this.ask("points", format);
    this.points = { file, asked: format };
    byId("points-count").textContent =
      file.count === null ? "" : `${plural(file.count, "connected piece")}, touching voxels by faces, edges or corners.`;
    byId<HTMLButtonElement>("export-points").disabled = false;
  }

  private async savePoints(): Promise<void> {
    if (this.points) download(this.points.file);
  }

  private forgetPoints(): void {
    this.points = null;
    byId("points-count").textContent = "";
    byId<HTMLButtonElement>("export-points").disabled = true;
  }

  private ask(what: ExportKind, format: string): Promise<ExportedFile> {
    return exportFile(this.result, {
      what,
      nodes: what === "labels" ? [] : this.selectedNodes(),
      ...(format ? { format } : {}),
      ...(what === "labels" ? { edits: { ...this.store.edits, revision: this.revision() } } : {}),
    });
  }

  /** The fewest nodes that hold what is lit. */
  private selectedNodes(): number[] {
    const leaves: number[] = [];
    this.store.lit()?.forEach((on, leaf) => {
      if (on) leaves.push(leaf);
    });
    return this.store.tree.nodesHolding(leaves);
  }

  private async busy(id: string, action: () => Promise<void>): Promise<void> {
    const button = byId<HTMLButtonElement>(id);
    button.classList.add("busy");
    button.disabled = true;
    try {
      await action();
    } catch (error) {
      tellError(error);
      this.dialog.close();
    } finally {
      button.classList.remove("busy");
      button.disabled = id === "export-points" && this.points === null;
    }
  }
}

function download(file: ExportedFile): void {
  const address = URL.createObjectURL(file.bytes);
  const link = element("a");
  link.href = address;
  link.download = file.name;
  link.click();
  // Some browsers begin to read only after this.
  window.setTimeout(() => URL.revokeObjectURL(address), 60_000);
  byId("export-done").textContent = `Saved as ${file.name}, where your browser keeps what it loads.`;
}
