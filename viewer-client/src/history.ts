/** Undo and redo over values that are never changed. */

export class History<State> {
  private past: State[] = [];
  private future: State[] = [];
  private lastKey: string | null = null;

  constructor(
    private current: State,
    private readonly longest = 200,
  ) {}

  get state(): State {
    return this.current;
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /**
   * Go to a new state.
   *
   * @param key Changes in a row under one key are one step: a slider that is dragged.
   */
  push(state: State, key: string | null = null): void {
    if (key === null || key !== this.lastKey) {
      this.past.push(this.current);
      if (this.past.length > this.longest) this.past.shift();
    }
    this.lastKey = key;
    this.current = state;
    this.future = [];
  }

  /** What comes next under the same key is a step of its own. */
  settle(): void {
    this.lastKey = null;
  }

  undo(): boolean {
    return this.move(this.past, this.future);
  }

  redo(): boolean {
    return this.move(this.future, this.past);
  }

  private move(from: State[], to: State[]): boolean {
    const state = from.pop();
    if (state === undefined) return false;
    to.push(this.current);
    this.current = state;
    this.lastKey = null;
    return true;
  }
}
