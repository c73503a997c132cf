// A number of bytes for people: 10.8 MB.

export function byteSize(count: number): string {
  if (count < 1000) return `${count} B`;
  const [unit, size] = count < 1e6 ? ['KB', 1e3] : count < 1e9 ? ['MB', 1e6] : ['GB', 1e9];
  return `${(count / Number(size)).toFixed(1)} ${unit}`;
}
