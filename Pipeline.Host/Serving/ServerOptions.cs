namespace Pipeline.Host.Serving;

/// <summary>Where a server listens, and its limits.</summary>
/// <param name="Address">The address of this machine to listen on.</param>
/// <param name="Port">The port to listen on. 0 takes a free one.</param>
/// <param name="Key">The key that clients must send as a bearer token. Null if none is needed.</param>
/// <param name="BodyBytes">The size of the largest body, in bytes.</param>
/// <param name="Requests">How many requests may be in progress at once. More are refused.</param>
/// <param name="Timeout">How long one request may take.</param>
/// <param name="Drain">How long requests in progress may go on after a stop was asked for.</param>
internal sealed record ServerOptions(
    System.Net.IPAddress Address, int Port, string? Key, long BodyBytes, int Requests, TimeSpan Timeout, TimeSpan Drain);
