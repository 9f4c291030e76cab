/** How many classes: a slider over powers, its marks, a number, and one more or fewer. */

import { byId, element } from "./dom";
import type { Store } from "./store";

/** More classes than this are reached by expanding branches. */
const MOST = 4096;
const STEPS = 1000;

export class LevelSlider {
  private readonly slider = byId<HTMLInputElement>("level");
  private readonly number = byId<HTMLInputElement>("level-number");
  private readonly marks = byId("level-marks");
  private readonly most: number;

  constructor(
    private readonly store: Store,
    signal: AbortSignal,
  ) {
    this.most = Math.min(store.tree.nLeaves, MOST);
    this.slider.disabled = this.most < 3;
    this.number.max = String(store.tree.nLeaves);
    const set = (classes: number): void => this.set(classes);
    this.slider.addEventListener("input", () => this.slid(), { signal });
    this.slider.addEventListener("keydown", (event) => this.key(event), { signal });
    const settle = (): void => {
      store.settleLevel();
      this.show();
    };
    this.slider.addEventListener("change", settle, { signal });
    this.slider.addEventListener("blur", settle, { signal });
    this.number.addEventListener("change", () => set(this.number.valueAsNumber || 1), { signal });
    // Keys are the page's again once a number has been given.
    this.number.addEventListener(
      "keydown",
      (event) => {
        if (event.key === "Enter") this.number.blur();
      },
      { signal },
    );
    byId("coarser").addEventListener("click", () => this.step(-1), { signal });
    byId("finer").addEventListener("click", () => this.step(1), { signal });
    this.drawMarks(signal);
    this.show();
    store.onChange((change) => {
      if (change === "classes") this.show();
    });
  }

  /** One class more or fewer. */
  step(by: number): void {
    this.set(this.store.cut.length + by);
    this.store.settleLevel();
  }

  private slid(): void {
    const place = this.slider.value;
    this.set(this.classesAt(this.slider.valueAsNumber));
    // The thumb stays under the finger, between two numbers of classes, until it is let go.
    this.slider.value = place;
  }

  /** By one class: steps of the slider are finer than that where classes are few. */
  private key(event: KeyboardEvent): void {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    this.set(this.store.cut.length + by);
  }

  private set(classes: number): void {
    const start = performance.now();
    this.store.setLevel(Math.max(Math.min(2, this.most), classes));
    performance.measure("gyrovox:level", { start });
  }

  /** Equal steps of the slider are equal factors, so that few classes have room. */
  private classesAt(step: number): number {
    return Math.round(2 * (this.most / 2) ** (step / STEPS));
  }

  private placeOf(classes: number): number {
    if (this.most <= 2) return 0;
    const place = Math.log(classes / 2) / Math.log(this.most / 2);
    return Math.round(STEPS * Math.max(0, Math.min(1, place)));
  }

  private show(): void {
    const classes = this.store.cut.length;
    this.slider.value = String(this.placeOf(classes));
    this.slider.setAttribute("aria-valuetext", `${classes} classes`);
    this.number.value = String(classes);
    byId("level-unit").textContent = classes === 1 ? "class" : "classes";
    for (const mark of this.marks.children) {
      mark.classList.toggle("current", (mark as HTMLElement).dataset.classes === String(classes));
    }
  }

  private drawMarks(signal: AbortSignal): void {
    const { levels, suggested_levels: suggested } = this.store.tree.columns;
    const offered = [...new Set([...levels, ...suggested])]
      .filter((level) => level >= 2 && level <= this.most)
      .sort((one, other) => one - other);
    this.marks.replaceChildren();
    let free = -Infinity;
    for (const level of offered) {
      const place = this.placeOf(level) / STEPS;
      const written = levels.includes(level);
      const mark = element("button", written ? "mark written" : "mark");
      mark.type = "button";
      mark.dataset.classes = String(level);
      // The number only where there is room beside the one before.
      if (place - free > 0.035) {
        mark.textContent = String(level);
        free = place;
      }
      mark.title = `${level} classes${written ? ", written" : ""}${suggested.includes(level) ? ", suggested by the tree" : ""}`;
      mark.setAttribute("aria-label", `${level} classes`);
      mark.style.left = `${100 * place}%`;
      mark.addEventListener(
        "click",
        () => {
          this.set(level);
          this.store.settleLevel();
        },
        { signal },
      );
      this.marks.append(mark);
    }
  }
}
