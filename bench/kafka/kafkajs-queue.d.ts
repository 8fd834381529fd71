// The one part below the public clients of kafkajs that the floor touches: its timer.

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    readonly pending: readonly unknown[]
    readonly throttledUntil: number
    scheduleCheckPendingRequests(): void
    checkPendingRequests(): void
  }
}
