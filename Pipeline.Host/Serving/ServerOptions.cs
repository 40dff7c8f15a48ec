namespace Pipeline.Host.Serving;

/// <summary>Where a server listens and how much it takes on.</summary>
/// <param name="Address">An address of this machine.</param>
/// <param name="Port">0: a free one.</param>
/// <param name="Key">What callers must send as a bearer token; null: nothing.</param>
/// <param name="BodyBytes">Of the longest body.</param>
/// <param name="Requests">Under way at once; more are refused.</param>
/// <param name="Timeout">Of one request.</param>
/// <param name="Drain">Requests in progress when a stop is asked for may take this long.</param>
internal sealed record ServerOptions(
    System.Net.IPAddress Address, int Port, string? Key, long BodyBytes, int Requests, TimeSpan Timeout, TimeSpan Drain);
