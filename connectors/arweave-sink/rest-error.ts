// What a request is refused with: a status of HTTP, and a text, as Kafka Connect says them.

export class RestError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'RestError'
    this.status = status
  }
}
