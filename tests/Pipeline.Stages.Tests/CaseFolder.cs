using Xunit.Abstractions;

namespace Pipeline.Stages.Tests;

/// <summary>
/// Folders of inputs on which something once failed, below the shared folder <c>cases</c>: one letter and a number for each kind of fault. Tests
/// take every folder of a kind and every file of a form in it, so that another set is checked as it is.
/// </summary>
internal static class CaseFolder
{
    public static IEnumerable<string> Of(string kind, ITestOutputHelper output)
    {
        if (SharedFolder.Below("cases", output) is not { } cases)
            yield break;
        foreach (string folder in Directory.GetDirectories(cases, kind + "-*").Order(StringComparer.Ordinal))
        {
            output.WriteLine(Path.GetFileName(folder));
            yield return folder;
        }
    }

    public static IEnumerable<string> Files(string kind, string pattern, ITestOutputHelper output)
        => Of(kind, output).SelectMany(folder => Directory.GetFiles(folder, pattern).Order(StringComparer.Ordinal));

    /// <summary>The small model of the repository, which cases put their files into.</summary>
    public static string TinyModel { get; } = FindModel();

    /// <summary>A copy of the small model, or its tokenizer alone, with a case's files under the names that a model's folder has.</summary>
    public static string CopyModel(string into, IEnumerable<(string File, string Name)> files, bool tokenizerOnly = false)
    {
        string folder = Directory.CreateDirectory(Path.Combine(into, Guid.NewGuid().ToString("N"))).FullName;
        foreach (string part in Directory.GetFiles(TinyModel).Where(f => !tokenizerOnly || Path.GetFileName(f) == "tokenizer.json"))
            File.Copy(part, Path.Combine(folder, Path.GetFileName(part)));
        foreach ((string file, string name) in files)
            File.Copy(file, Path.Combine(folder, name), overwrite: true);
        return folder;
    }

    private static string FindModel()
    {
        string? at = AppContext.BaseDirectory;
        while (at is not null && !File.Exists(Path.Combine(at, "Alm.sln")))
            at = Path.GetDirectoryName(at);
        return Path.Combine(at ?? throw new InvalidOperationException("no Alm.sln above the tests"), "data", "models", "tiny-llama");
    }
}
