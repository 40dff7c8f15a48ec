namespace Pipeline.Stages.Teacher.Server;

/// <summary>Opens connections to servers. The host implements it, and takes care of retries, limits and keys, so that no stage ever sees a key.</summary>
public interface ITeacherConnections
{
    /// <summary>Makes a client for the server of a definition. The caller disposes of the connection.</summary>
    /// <exception cref="Contracts.Errors.InputException">The environment variable for the key is not set.</exception>
    TeacherConnection Open(OpenAiTeacherDefinition teacher);
}

/// <summary>A client that repeats failed requests, keeps to the limits, and sends the key. Whoever opened it disposes of it.</summary>
/// <param name="Client">The client. Paths of requests are relative to the server's address.</param>
/// <param name="WithoutKey">Removes the key from a text, for messages that quote an answer.</param>
public sealed record TeacherConnection(HttpClient Client, Func<string, string> WithoutKey) : IDisposable
{
    public void Dispose() => Client.Dispose();
}
