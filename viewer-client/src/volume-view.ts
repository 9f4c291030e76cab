/**
 * The slices and the 3-D picture: the one file that knows NiiVue.
 *
 * NiiVue holds the two volumes and draws them. What it would do on every change of colours, upload
 * every voxel again and colour it through one row of a texture, is done here instead: its two
 * textures, of labels and of painted labels, are read from its private cache (the version is
 * pinned for that) and painted by `LeafColouring`.
 */

import NiiVue, { DRAG_MODE } from "@niivue/niivue/webgl2";
import type { NVImage, SlicePointerEvent } from "@niivue/niivue/webgl2";

import { LeafColouring } from "./leaf-colouring";
import { type Plane, type Tile, sliceLayout } from "./slice-layout";

const SLICE_TYPE: Record<Plane, number> = { xy: 0, xz: 1, yz: 2, "3-D": 4 };
const MULTIPLANAR = 3;
const GREY = "Slices";
const CROSSHAIR_PIXELS = 0.5;
const CROSSHAIR_GAP_PIXELS = 7;

export type Voxel = readonly [number, number, number];

/** What is under the pointer. */
export interface Spot {
  /** x, y, z of the volume that is shown, not of the file. */
  voxel: Voxel;
  /** From 1 on; 0 is no leaf. */
  label: number;
  intensity: number | null;
}

/** The private parts of NiiVue 1.0.0-rc.9 that are read. */
interface Inside {
  gl: WebGL2RenderingContext;
  volumeRenderer: {
    overlayOrientCache: {
      inputTexture: WebGLTexture;
      outputTexture: WebGLTexture;
      dimsOut: [number, number, number];
    } | null;
  };
}

export class VolumeView {
  private readonly niivue: NiiVue;
  private colouring: LeafColouring | null = null;
  private colours: Uint8Array | null = null;
  private hasImage = true;
  private pressed: [number, number] | null = null;
  private tiles: Tile[] = [];
  private windowing: Promise<void> | null = null;
  private nextWindow: [number, number] | null = null;

  /** Whether there is a 3-D picture beside the slices. */
  rendering = false;
  onHover: (spot: Spot | null) => void = () => undefined;
  onClick: (spot: Spot, added: boolean) => void = () => undefined;
  onMove: (spot: Spot) => void = () => undefined;
  onLayout: (tiles: Tile[]) => void = () => undefined;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.niivue = new NiiVue({
      isAntiAlias: false,
      isDragDropEnabled: false,
      logLevel: "error",
      isOrientationTextVisible: false,
      isOrientCubeVisible: false,
      isColorbarVisible: false,
      isLegendVisible: false,
      isRulerVisible: false,
      volumeIsNearestInterpolation: true,
      drawIsEnabled: false,
      primaryDragMode: DRAG_MODE.crosshair,
      secondaryDragMode: DRAG_MODE.pan,
      placeholderText: "",
      sliceType: MULTIPLANAR,
    });
  }

  async attach(): Promise<void> {
    // Before NiiVue listens: it would enlarge.
    this.canvas.addEventListener("wheel", (event) => this.scrolled(event), { passive: false });
    this.canvas.addEventListener("dblclick", (event) => this.unmoved(event));
    await this.niivue.attachToCanvas(this.canvas);
    // Slices look at colours alone, and the 3-D picture at opacity: there, only classes are seen.
    this.niivue.addColormap(GREY, { R: [0, 255], G: [0, 255], B: [0, 255], A: [0, 0], I: [0, 255] });
    this.niivue.isSnapToVoxelCenters = true;
    // Its keys would fight with those of the page.
    const keys = this.niivue._eventListeners.keydown;
    if (keys) window.removeEventListener("keydown", keys);
    let overSlice = false;
    this.niivue.addEventListener("slicePointerMove" as never, (event: Event) => {
      overSlice = true;
      const { voxel } = (event as CustomEvent<SlicePointerEvent>).detail;
      this.onHover(this.spotAt(voxel));
    });
    this.niivue.addEventListener("slicePointerUp" as never, (event: Event) =>
      this.released((event as CustomEvent<SlicePointerEvent>).detail),
    );
    this.canvas.addEventListener("pointerdown", (event) => {
      this.pressed = event.button === 0 ? [event.clientX, event.clientY] : null;
    });
    // NiiVue listens before: between slices it says nothing, and nothing is pointed at.
    this.canvas.addEventListener("pointermove", () => {
      if (!overSlice) this.onHover(null);
      overSlice = false;
    });
    this.canvas.addEventListener("pointerleave", () => this.onHover(null));
    this.niivue.addEventListener("locationChange", () => this.onMove(this.spotAtCrosshair()));
    this.niivue.addEventListener("canvasResize", () => this.layOut());
  }

  /** Show a result; `image` is null where the source volume is gone. */
  async show(image: Blob | null, leaves: Blob): Promise<void> {
    this.colours = null;
    this.hasImage = image !== null;
    await this.niivue.loadVolumes([
      { url: asFile(image ?? leaves, "image"), colormap: GREY },
      { url: asFile(leaves, "leaves"), opacity: 1 },
    ]);
    if (!image) {
      // Nothing to see behind the leaves: the grey scale starts above every label.
      await this.niivue.setVolume(0, { calMin: 1e6, calMax: 2e6 });
    }
    this.colouring ??= new LeafColouring(this.inside.gl);
    const [x, y, z] = this.shape.map((side) => Math.floor(side / 2));
    this.niivue.crosshairPos = this.niivue.vox2frac([x, y, z]);
    this.layOut();
  }

  /** Paint every leaf anew; no voxel is sent. */
  paint(colours: Uint8Array): void {
    this.colours = colours;
    const cache = this.inside.volumeRenderer.overlayOrientCache;
    if (!cache || !this.colouring) return;
    this.colouring.paint(cache.inputTexture, cache.outputTexture, cache.dimsOut, colours);
    this.niivue.drawScene();
  }

  /** Intensities that are black and white; the last wish wins while one is carried out. */
  setWindow(black: number, white: number): void {
    if (!this.hasImage) return;
    this.nextWindow = [black, white];
    this.windowing ??= this.applyWindows().finally(() => {
      this.windowing = null;
    });
  }

  /** Intensities that are black and white, and the least and the greatest there are. */
  get window(): { black: number; white: number; least: number; greatest: number } {
    const image = this.volumes[0];
    return {
      black: image.calMin,
      white: image.calMax,
      least: image.globalMin,
      greatest: image.globalMax,
    };
  }

  setRendering(on: boolean): void {
    this.rendering = on;
    this.layOut();
  }

  setBackground(colour: [number, number, number], crosshair: [number, number, number]): void {
    this.niivue.backgroundColor = [...colour, 1];
    this.niivue.crosshairColor = [...crosshair, 0.9];
  }

  /** Move the crosshair by voxels along x, y, z. */
  step(x: number, y: number, z: number): void {
    this.niivue.moveCrosshairInVox(x, y, z);
  }

  moveTo(voxel: Voxel): void {
    this.niivue.crosshairPos = this.niivue.vox2frac([voxel[0], voxel[1], voxel[2]]);
    this.niivue.drawScene();
    this.onMove(this.spotAt(voxel));
  }

  /** Voxels along x, y, z. */
  get shape(): Voxel {
    const dims = this.volumes[1].hdr.dims;
    return [dims[1], dims[2], dims[3]];
  }

  /** Label of every voxel, x fastest. */
  get labels(): ArrayLike<number> {
    return this.volumes[1].img ?? [];
  }

  spotAtCrosshair(): Spot {
    const [x, y, z] = this.niivue.crosshairPos;
    const shape = this.shape;
    return this.spotAt([x * shape[0] - 0.5, y * shape[1] - 0.5, z * shape[2] - 0.5]);
  }

  /** Through the slices; with Ctrl, or two fingers drawn apart, NiiVue enlarges them. */
  private scrolled(event: WheelEvent): void {
    const plane = this.planeAt(event);
    if (event.ctrlKey || plane === null || plane === "3-D") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const by = Math.sign(event.deltaY);
    const axis = { xy: 2, xz: 1, yz: 0 }[plane];
    this.step(...([0, 1, 2].map((each) => (each === axis ? by : 0)) as [number, number, number]));
  }

  /** Slices as large as they fit, and in their middle. */
  private unmoved(event: MouseEvent): void {
    const plane = this.planeAt(event);
    if (plane === null || plane === "3-D") return;
    event.stopImmediatePropagation();
    this.niivue.pan2Dxyzmm = [0, 0, 0, 1];
    this.niivue.drawScene();
  }

  private planeAt(event: MouseEvent): Plane | null {
    const { clientWidth, clientHeight } = this.canvas;
    const [x, y] = [event.offsetX / clientWidth, event.offsetY / clientHeight];
    const found = this.tiles.find(
      ({ box }) => x >= box[0] && x < box[0] + box[2] && y >= box[1] && y < box[1] + box[3],
    );
    return found?.plane ?? null;
  }

  private get inside(): Inside {
    return this.niivue.view as unknown as Inside;
  }

  private get volumes(): NVImage[] {
    return this.niivue.volumes;
  }

  private async applyWindows(): Promise<void> {
    while (this.nextWindow !== null) {
      const [calMin, calMax] = this.nextWindow;
      this.nextWindow = null;
      await this.niivue.setVolume(0, { calMin, calMax });
      // It has painted the leaves its own way meanwhile.
      if (this.colours) this.paint(this.colours);
    }
  }

  private spotAt(position: readonly number[]): Spot {
    const shape = this.shape;
    const [x, y, z] = [0, 1, 2].map((axis) =>
      Math.max(0, Math.min(shape[axis] - 1, Math.round(position[axis]))),
    );
    const at = x + shape[0] * (y + shape[1] * z);
    const image = this.volumes[0];
    const stored = image.img?.[at];
    const intensity =
      this.hasImage && stored !== undefined
        ? stored * (image.hdr.scl_slope || 1) + (image.hdr.scl_inter || 0)
        : null;
    return { voxel: [x, y, z], label: this.labels[at] ?? 0, intensity };
  }

  private released(detail: SlicePointerEvent): void {
    const { pointerEvent } = detail;
    if (this.pressed === null) return;
    const [x, y] = this.pressed;
    this.pressed = null;
    if (Math.hypot(pointerEvent.clientX - x, pointerEvent.clientY - y) > 4) return;
    this.onClick(this.spotAt(detail.voxel), pointerEvent.shiftKey);
  }

  private layOut(): void {
    const image = this.volumes[1];
    const { clientWidth, clientHeight } = this.canvas;
    if (!image || clientWidth === 0 || clientHeight === 0) return;
    const [x, y, z] = [0, 1, 2].map((axis) => image.extentsMax[axis] - image.extentsMin[axis]);
    const tiles = sliceLayout([clientWidth, clientHeight], [x, y, z], this.rendering);
    const pixel = x / (tiles[0].box[2] * clientWidth);
    // Its unit is that of the volume; on the screen it shall be a line.
    this.niivue.crosshairWidth = CROSSHAIR_PIXELS * pixel;
    this.niivue.crosshairGap = CROSSHAIR_GAP_PIXELS * pixel;
    this.niivue.customLayout = tiles.map(({ plane, box }) => ({
      sliceType: SLICE_TYPE[plane],
      position: box,
    }));
    this.tiles = tiles;
    this.onLayout(tiles);
  }
}

function asFile(bytes: Blob, name: string): File {
  return new File([bytes], `${name}.nii.gz`);
}
