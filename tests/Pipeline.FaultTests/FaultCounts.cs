using System.Globalization;

namespace Pipeline.FaultTests;

/// <summary>How much is tried: a fast form in the normal suite, the full counts with <c>ALM_FAULTS=full</c>.</summary>
internal static class FaultCounts
{
    public static bool Full { get; } = Environment.GetEnvironmentVariable("ALM_FAULTS") == "full";

    /// <summary>How long a fuzz test goes on, in the full form.</summary>
    public static TimeSpan FuzzTime { get; } = TimeSpan.FromSeconds(
        double.Parse(Environment.GetEnvironmentVariable("ALM_FUZZ_SECONDS") ?? "20", CultureInfo.InvariantCulture));

    public static T Of<T>(T fast, T full) => Full ? full : fast;
}
