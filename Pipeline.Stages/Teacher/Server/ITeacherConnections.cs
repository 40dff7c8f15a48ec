namespace Pipeline.Stages.Teacher.Server;

/// <summary>Opens connections to servers: retries, limits and keys are the host's business, and no stage sees a key.</summary>
public interface ITeacherConnections
{
    /// <exception cref="Contracts.Errors.InputException">The key's variable is not set.</exception>
    TeacherConnection Open(OpenAiTeacherDefinition teacher);
}

/// <summary>A client whose requests are retried, limited and signed. Whoever opened it disposes it.</summary>
/// <param name="Client">Paths are relative to the server.</param>
/// <param name="WithoutKey">Text with the key taken out, for messages that quote an answer.</param>
public sealed record TeacherConnection(HttpClient Client, Func<string, string> WithoutKey) : IDisposable
{
    public void Dispose() => Client.Dispose();
}
