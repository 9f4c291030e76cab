/** Dark or light: as the machine is set, until a person chooses. */

const KEY = "gyrovox-theme";

export type Theme = "dark" | "light";

export class ThemeSwitch {
  private readonly machine = window.matchMedia("(prefers-color-scheme: light)");
  onChange: (theme: Theme) => void = () => undefined;

  constructor() {
    this.apply();
    this.machine.addEventListener("change", () => this.apply());
  }

  get theme(): Theme {
    const chosen = localStorage.getItem(KEY);
    if (chosen === "dark" || chosen === "light") return chosen;
    return this.machine.matches ? "light" : "dark";
  }

  flip(): void {
    localStorage.setItem(KEY, this.theme === "dark" ? "light" : "dark");
    this.apply();
  }

  private apply(): void {
    document.documentElement.dataset.theme = this.theme;
    this.onChange(this.theme);
  }
}
