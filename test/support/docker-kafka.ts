// placeholder
export async function startDockerKafka(): Promise<{ bootstrapServers: string; close(): Promise<void> }> {
  throw new Error('not yet')
}
