/** Numbers as people read them. */

const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(value: number): string {
  return COUNT.format(value);
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Three digits that count: 0.0123, 4.56, 1,230. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e7)) {
    return value.toExponential(2);
  }
  return new Intl.NumberFormat("en", { maximumSignificantDigits: 3 }).format(value);
}

/** A volume in the unit that keeps it readable: nm³, µm³ or mm³. */
export function volume(nm3: number): string {
  if (nm3 < 1e6) return `${short(nm3)} nm³`;
  if (nm3 < 1e15) return `${short(nm3 / 1e9)} µm³`;
  return `${short(nm3 / 1e18)} mm³`;
}

/** Lengths along z, y, x in the unit that keeps them readable. */
export function lengths(nm: number[]): string {
  const largest = Math.max(...nm.map(Math.abs));
  const [unit, per] = largest < 1e4 ? ["nm", 1] : largest < 1e6 ? ["µm", 1e3] : ["mm", 1e6];
  return `${nm.map((each) => short(each / per)).join(", ")} ${unit}`;
}
