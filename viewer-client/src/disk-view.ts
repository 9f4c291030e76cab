/** The Poincaré disk: classes as points, the tree above them as geodesics. */

import { keyOf, nodesOf } from "./edits";
import {
  type Point,
  geodesic,
  inPolygon,
  inside,
  translated,
} from "./disk-geometry";
import { oncePerFrame } from "./dom";
import { tell } from "./notices";
import type { Store } from "./store";
import { hex } from "./tree";

const HIT_PIXELS = 9;
const LARGEST_ZOOM = 60;
/** Points of leaves are drawn smaller where there are more of them than this. */
const MANY = 1500;

interface Drag {
  from: [number, number];
  moved: boolean;
  lasso: Point[] | null;
  added: boolean;
}

export class DiskView {
  private readonly context: CanvasRenderingContext2D;
  private readonly seen: Float64Array;
  private centre: Point = [0, 0];
  private zoom = 1;
  private offset: Point = [0, 0];
  private drag: Drag | null = null;
  private lassoing = false;
  private leavesShown = false;
  private readonly redraw = oncePerFrame(() => this.draw());

  onLassoMode: (on: boolean) => void = () => undefined;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly store: Store,
    signal: AbortSignal,
  ) {
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("This browser draws no canvas.");
    this.context = context;
    this.seen = Float64Array.from(store.tree.disk);
    this.fit();
    const listen = <Kind extends keyof HTMLElementEventMap>(
      kind: Kind,
      listener: (event: HTMLElementEventMap[Kind]) => void,
      passive = true,
    ): void => canvas.addEventListener(kind, listener, { signal, passive });
    listen("pointermove", (event) => this.moved(event));
    listen("pointerdown", (event) => this.pressed(event));
    listen("pointerup", (event) => this.released(event));
    listen("pointerleave", () => store.point(null));
    listen("dblclick", (event) => this.recentre(event));
    listen("wheel", (event) => this.wheel(event), false);
    const observer = new ResizeObserver(this.redraw);
    observer.observe(canvas);
    signal.addEventListener("abort", () => observer.disconnect());
    store.onChange(this.redraw);
  }

  get lasso(): boolean {
    return this.lassoing;
  }

  /** While it is on, dragging draws around points instead of moving the disk. */
  setLasso(on: boolean): void {
    this.lassoing = on;
    this.drag = null;
    this.canvas.classList.toggle("lassoing", on);
    this.onLassoMode(on);
    this.redraw();
  }

  showLeaves(on: boolean): void {
    this.leavesShown = on;
    this.redraw();
  }

  /** The whole tree, as large as it fits. */
  fit(): void {
    this.centre = [0, 0];
    this.offset = [0, 0];
    this.seen.set(this.store.tree.disk);
    let farthest = 0;
    for (let at = 0; at < this.seen.length; at += 2) {
      farthest = Math.max(farthest, Math.hypot(this.seen[at], this.seen[at + 1]));
    }
    this.zoom = Math.min(Math.max(0.93 / Math.max(farthest, 1e-6), 1), LARGEST_ZOOM);
    this.redraw();
  }

  /** Where a node is on the page, in pixels from the corner of the canvas. */
  pixelOf(node: number): [number, number] {
    const [middle, radius] = this.frame();
    return [
      middle[0] + this.seen[2 * node] * radius,
      // Upwards on the page is towards smaller numbers.
      middle[1] - this.seen[2 * node + 1] * radius,
    ];
  }

  themeChanged(): void {
    this.redraw();
  }

  private frame(): [Point, number] {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const radius = (Math.min(width, height) / 2 - 8) * this.zoom;
    return [[width / 2 + this.offset[0], height / 2 + this.offset[1]], radius];
  }

  private fromPixel(x: number, y: number): Point {
    const [middle, radius] = this.frame();
    return [(x - middle[0]) / radius, (middle[1] - y) / radius];
  }

  /** Nodes that are drawn as points; those that are drawn last come first. */
  private points(): number[] {
    const leaves = this.leavesShown
      ? Array.from({ length: this.store.tree.nLeaves }, (_, leaf) => leaf)
      : [];
    return [...this.store.cut, ...leaves];
  }

  private nodeAt(x: number, y: number): number | null {
    let nearest: number | null = null;
    let least = HIT_PIXELS;
    for (const node of this.points()) {
      const [nodeX, nodeY] = this.pixelOf(node);
      const away = Math.hypot(nodeX - x, nodeY - y);
      if (away < least) {
        least = away;
        nearest = node;
      }
    }
    return nearest;
  }

  private pressed(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const here: [number, number] = [event.offsetX, event.offsetY];
    this.drag = {
      from: here,
      moved: false,
      lasso: this.lassoing ? [here] : null,
      added: event.shiftKey,
    };
  }

  private moved(event: PointerEvent): void {
    const here: [number, number] = [event.offsetX, event.offsetY];
    if (this.drag === null) {
      this.store.point(this.nodeAt(...here));
      return;
    }
    const [x, y] = this.drag.from;
    if (!this.drag.moved && Math.hypot(here[0] - x, here[1] - y) < 4) return;
    this.drag.moved = true;
    if (this.drag.lasso) this.drag.lasso.push(here);
    else this.pan(this.drag.from, here);
    this.redraw();
  }

  private released(event: PointerEvent): void {
    const drag = this.drag;
    this.drag = null;
    if (drag === null) return;
    if (drag.lasso && drag.moved) {
      const polygon = drag.lasso;
      this.setLasso(false);
      const caught = this.lassoed().filter((node) => inPolygon(this.pixelOf(node), polygon));
      const whole = this.leavesShown ? this.store.tree.nodesHolding(caught) : caught;
      if (whole.length === 0) tell("The lasso caught no point.", "note");
      this.store.group(whole);
    } else if (!drag.moved) {
      this.clicked(event);
    }
    this.redraw();
  }

  private lassoed(): number[] {
    return this.leavesShown ? this.points().filter((node) => this.store.tree.isLeaf(node)) : this.store.cut;
  }

  private clicked(event: PointerEvent): void {
    const node = this.nodeAt(event.offsetX, event.offsetY);
    if (node === null) {
      if (!event.shiftKey) this.store.select([]);
      return;
    }
    const pick = this.store.pickOf(node);
    if (event.shiftKey) this.store.toggle(pick);
    else this.store.select([pick]);
  }

  /** What was under the pointer stays under it, moved by an isometry of the disk. */
  private pan(from: [number, number], to: [number, number]): void {
    if (this.store.tree.isHyperbolic && this.zoom < 1.5) {
      const start = inside(this.fromPixel(...from), 0.95);
      const end = inside(this.fromPixel(...to), 0.95);
      const shift = translated(start, end);
      this.move(shift);
    } else {
      this.offset = [this.offset[0] + to[0] - from[0], this.offset[1] + to[1] - from[1]];
    }
    if (this.drag) this.drag.from = to;
  }

  private recentre(event: MouseEvent): void {
    const node = this.nodeAt(event.offsetX, event.offsetY);
    if (node === null) this.fit();
    else if (this.store.tree.isHyperbolic) {
      this.move([this.seen[2 * node], this.seen[2 * node + 1]]);
      this.offset = [0, 0];
      this.zoom = 1;
      this.redraw();
    }
  }

  private move(to: Point): void {
    for (let at = 0; at < this.seen.length; at += 2) {
      const [x, y] = translated([this.seen[at], this.seen[at + 1]], to);
      this.seen[at] = x;
      this.seen[at + 1] = y;
    }
    this.centre = translated(this.centre, to);
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const before = this.fromPixel(event.offsetX, event.offsetY);
    this.zoom = Math.max(0.8, Math.min(LARGEST_ZOOM, this.zoom * Math.exp(-event.deltaY / 400)));
    const [middle, radius] = this.frame();
    this.offset = [
      this.offset[0] + event.offsetX - (middle[0] + before[0] * radius),
      this.offset[1] + event.offsetY - (middle[1] - before[1] * radius),
    ];
    this.redraw();
  }

  private draw(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = window.devicePixelRatio;
    if (width === 0 || height === 0) return;
    const [wide, tall] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== wide || this.canvas.height !== tall) {
      this.canvas.width = wide;
      this.canvas.height = tall;
    }
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, width, height);
    const ink = getComputedStyle(this.canvas);
    this.drawRim(ink);
    this.drawEdges(ink);
    if (this.leavesShown) this.drawLeaves();
    this.drawClasses(ink);
    this.drawPointed(ink);
    this.drawLasso(ink);
  }

  private drawRim(ink: CSSStyleDeclaration): void {
    if (!this.store.tree.isHyperbolic) return;
    const [middle, radius] = this.frame();
    this.context.beginPath();
    this.context.arc(middle[0], middle[1], radius, 0, 2 * Math.PI);
    this.context.fillStyle = ink.getPropertyValue("--disk");
    this.context.fill();
    this.context.lineWidth = 1.5;
    this.context.strokeStyle = ink.getPropertyValue("--rim");
    this.context.stroke();
  }

  /** The tree above the classes. */
  private drawEdges(ink: CSSStyleDeclaration): void {
    const { tree, cut } = this.store;
    const drawn = new Uint8Array(tree.nNodes);
    this.context.beginPath();
    for (const leaf of cut) {
      for (let node = leaf; node !== tree.root && !drawn[node]; node = tree.parents[node]) {
        drawn[node] = 1;
        this.edge(node, tree.parents[node]);
      }
    }
    this.context.lineWidth = cut.length > 400 ? 0.6 : 1.1;
    this.context.strokeStyle = ink.getPropertyValue("--edge");
    this.context.stroke();
    this.ring(...this.pixelOf(tree.root), 3, ink.getPropertyValue("--edge"), 1.5);
  }

  /** Add the geodesic between two nodes to the current path. */
  private edge(from: number, to: number): void {
    const { context } = this;
    const start = this.pixelOf(from);
    context.moveTo(...start);
    const flat = !this.store.tree.isHyperbolic;
    const arc = geodesic(
      [this.seen[2 * from], this.seen[2 * from + 1]],
      [this.seen[2 * to], this.seen[2 * to + 1]],
    );
    if (flat || arc.kind === "line") {
      context.lineTo(...this.pixelOf(to));
      return;
    }
    const [middle, radius] = this.frame();
    // The page's y runs down, so angles change their sign and arcs their sense.
    context.arc(
      middle[0] + arc.centre[0] * radius,
      middle[1] - arc.centre[1] * radius,
      arc.radius * radius,
      -arc.start,
      -arc.end,
      !arc.anticlockwise,
    );
  }

  private drawLeaves(): void {
    const { tree, table } = this.store;
    const side = tree.nLeaves > MANY ? 2 : 3;
    for (let leaf = 0; leaf < tree.nLeaves; leaf++) {
      const [x, y] = this.pixelOf(leaf);
      this.context.fillStyle = hex(...table.classes[table.ofLeaf[leaf]].colour);
      this.context.fillRect(x - side / 2, y - side / 2, side, side);
    }
  }

  private drawClasses(ink: CSSStyleDeclaration): void {
    const { context } = this;
    const { tree, table, edits, selection } = this.store;
    const selected = new Set(selection.map(keyOf));
    const largest = Math.log(1 + tree.sizes[tree.root]);
    const crowded = Math.min(1, Math.sqrt(60 / this.store.cut.length) + 0.25);
    context.lineWidth = 1;
    // The smallest last, so that none hides behind a larger one.
    for (const { pick, colour } of table.classes) {
      const chosen = selected.has(keyOf(pick));
      for (const node of nodesOf(edits, pick)) {
        const [x, y] = this.pixelOf(node);
        const size = 2 + 7 * crowded * (Math.log(1 + tree.sizes[node]) / largest) ** 2;
        context.beginPath();
        context.arc(x, y, size, 0, 2 * Math.PI);
        context.fillStyle = hex(...colour);
        context.fill();
        context.strokeStyle = ink.getPropertyValue("--outline");
        context.stroke();
        if (chosen) this.ring(x, y, size + 3, ink.getPropertyValue("--accent"), 2.5);
      }
    }
    for (const pick of selection) {
      // A node above the classes has no point of its own until it is selected.
      if (pick.kind === "node" && !table.classes.some((each) => keyOf(each.pick) === keyOf(pick))) {
        const [x, y] = this.pixelOf(pick.node);
        this.ring(x, y, 6, ink.getPropertyValue("--accent"), 2.5);
      }
    }
  }

  /** The path from what is pointed at to the root. */
  private drawPointed(ink: CSSStyleDeclaration): void {
    const { hover, tree } = this.store;
    if (hover === null) return;
    this.context.beginPath();
    for (let node = hover; node !== tree.root; node = tree.parents[node]) {
      this.edge(node, tree.parents[node]);
    }
    this.context.lineWidth = 2;
    this.context.strokeStyle = ink.getPropertyValue("--pointed");
    this.context.stroke();
    const [x, y] = this.pixelOf(hover);
    this.ring(x, y, 6.5, ink.getPropertyValue("--pointed"), 2);
  }

  private ring(x: number, y: number, radius: number, colour: string, width: number): void {
    this.context.beginPath();
    this.context.arc(x, y, radius, 0, 2 * Math.PI);
    this.context.lineWidth = width;
    this.context.strokeStyle = colour;
    this.context.stroke();
    this.context.lineWidth = 1;
  }

  private drawLasso(ink: CSSStyleDeclaration): void {
    const polygon = this.drag?.lasso;
    if (!polygon || polygon.length < 2) return;
    this.context.beginPath();
    polygon.forEach(([x, y]) => this.context.lineTo(x, y));
    this.context.closePath();
    this.context.fillStyle = ink.getPropertyValue("--lasso");
    this.context.fill();
    this.context.lineWidth = 1.5;
    this.context.setLineDash([5, 4]);
    this.context.strokeStyle = ink.getPropertyValue("--accent");
    this.context.stroke();
    this.context.setLineDash([]);
  }
}

