// Types of run.mjs, which stays JavaScript: it must run before anything is installed.
export function whyInstall(root: string): string | undefined
export function nodeOf(root: string): string
export function takeLock(lock: string): boolean
