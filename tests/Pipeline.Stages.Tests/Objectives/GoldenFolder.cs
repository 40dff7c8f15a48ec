using System.Text.Json;

namespace Pipeline.Stages.Tests.Objectives;

/// <summary>The folder of reference numbers next to the repository; null where there is none.</summary>
internal static class GoldenFolder
{
    public static string? Path { get; } = Find();

    public static JsonElement Json(string name)
        => JsonDocument.Parse(File.ReadAllBytes(System.IO.Path.Combine(Path!, name)), new() { AllowTrailingCommas = false }).RootElement;

    public static SafetensorsReader Tensors(string name) => new(System.IO.Path.Combine(Path!, name));

    /// <summary>A number. NaN and the infinities are written as strings.</summary>
    public static double Number(this JsonElement element)
        => element.ValueKind == JsonValueKind.String
            ? double.Parse(element.GetString()!.Replace("inf", "Infinity", StringComparison.Ordinal).Replace("nan", "NaN", StringComparison.Ordinal),
                System.Globalization.CultureInfo.InvariantCulture)
            : element.GetDouble();

    public static double[] Numbers(this JsonElement element) => [.. element.EnumerateArray().Select(Number)];

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("ALM_SHARED") is { Length: > 0 } given)
            return System.IO.Path.Combine(given, "golden");
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (!File.Exists(System.IO.Path.Combine(at.FullName, "Alm.sln")))
                continue;
            string golden = System.IO.Path.Combine(at.FullName, "..", "shared", "golden");
            return Directory.Exists(golden) ? golden : null;
        }
        return null;
    }
}
