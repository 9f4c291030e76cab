/** How the volume is shown: opacity of labels, contrast, channel, 3-D. */

import { byId, element } from "./dom";
import { tellError } from "./notices";
import type { VolumeView } from "./volume-view";

const STEPS = 1000;

export class VolumeControls {
  private readonly opacity = byId<HTMLInputElement>("opacity");
  private readonly black = byId<HTMLInputElement>("black");
  private readonly white = byId<HTMLInputElement>("white");
  private readonly channel = byId<HTMLSelectElement>("channel");
  private first = { black: 0, white: 1 };
  private choose: (channel: number) => Promise<void> = () => Promise.resolve();

  constructor(
    private readonly view: VolumeView,
    setOpacity: (opacity: number) => void,
    setRendering: (on: boolean) => void,
  ) {
    this.opacity.addEventListener("input", () => setOpacity(this.opacity.valueAsNumber / 100));
    this.black.addEventListener("input", () => this.windowed(this.black));
    this.white.addEventListener("input", () => this.windowed(this.white));
    byId("contrast-reset").addEventListener("click", () => {
      view.setWindow(this.first.black, this.first.white);
      this.place(this.first);
    });
    const rendering = byId<HTMLInputElement>("rendering");
    rendering.checked = false;
    rendering.addEventListener("change", () => setRendering(rendering.checked));
    this.channel.addEventListener("change", () => {
      this.choose(Number(this.channel.value)).then(() => this.fit(), tellError);
    });
  }

  get opacityNow(): number {
    return this.opacity.valueAsNumber / 100;
  }

  /** A result was opened. */
  shows(hasImage: boolean, channels: number, choose: (channel: number) => Promise<void>): void {
    byId("window").hidden = !hasImage;
    byId("channel-chooser").hidden = !hasImage || channels < 2;
    this.choose = choose;
    this.channel.replaceChildren(
      ...Array.from({ length: channels }, (_, index) => {
        const option = element("option", "", String(index + 1));
        option.value = String(index);
        return option;
      }),
    );
    this.fit();
  }

  private fit(): void {
    const { black, white } = this.view.window;
    this.first = { black, white };
    this.place(this.first);
  }

  private place({ black, white }: { black: number; white: number }): void {
    const { least, greatest } = this.view.window;
    const room = greatest - least || 1;
    this.black.value = String(Math.round((STEPS * (black - least)) / room));
    this.white.value = String(Math.round((STEPS * (white - least)) / room));
  }

  private windowed(moved: HTMLInputElement): void {
    // Black stays below white: the one that is moved pushes the other.
    if (this.black.valueAsNumber >= this.white.valueAsNumber) {
      if (moved === this.black) this.white.value = String(this.black.valueAsNumber + 1);
      else this.black.value = String(this.white.valueAsNumber - 1);
    }
    const { least, greatest } = this.view.window;
    const at = (input: HTMLInputElement): number =>
      least + ((greatest - least) * input.valueAsNumber) / STEPS;
    this.view.setWindow(at(this.black), at(this.white));
  }
}
