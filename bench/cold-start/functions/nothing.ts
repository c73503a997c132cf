// A function that does nothing: what the host and the runtime client take by themselves.
export const handler = async () => ({});
