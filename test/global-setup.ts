// What every test run needs once, before any file: nothing yet.
export default function setup(): void {}
