using System.Text;
using System.Text.RegularExpressions;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Torch;

/// <summary>Finds out which libtorch is in a folder. The shim is built for one minor version, and crashes with another.</summary>
internal static partial class LibtorchVersion
{
    public const string Wanted = "2.10";

    /// <summary>Checks the version of the libtorch in a folder.</summary>
    /// <param name="libFolder">The folder with the libraries.</param>
    /// <exception cref="InputException">It is another minor version, or the version cannot be found.</exception>
    public static void Check(string libFolder)
    {
        string? found = Find(libFolder);
        if (found is null)
            throw new InputException($"libtorch folder '{libFolder}': cannot tell its version (no build-version, version.py or libtorch_python.so); libtorch {Wanted}.x is needed");
        if (!found.StartsWith(Wanted + ".", StringComparison.Ordinal))
            throw new InputException($"libtorch folder '{libFolder}' is version {found}; this build needs {Wanted}.x");
    }

    /// <summary>
    /// The version; null if it cannot be found. It is read from <c>build-version</c> (in a libtorch archive), <c>version.py</c> (in pip's torch), or
    /// the folder's name (in a NuGet package), and otherwise from libtorch_python.so, the only library that contains it.
    /// </summary>
    public static string? Find(string libFolder)
    {
        string folder = Path.TrimEndingDirectorySeparator(libFolder), root = Path.GetDirectoryName(folder)!;
        foreach (string path in new[] { Path.Combine(folder, "build-version"), Path.Combine(root, "build-version") })
        {
            if (File.Exists(path))
                return File.ReadAllText(path).Trim();
        }

        string python = Path.Combine(root, "version.py");
        if (File.Exists(python) && PythonVersion().Match(File.ReadAllText(python)) is { Success: true } match)
            return match.Groups[1].Value;
        if (PackageFolder().Match(folder) is { Success: true } package)
            return package.Groups[1].Value;
        string library = Path.Combine(folder, "libtorch_python.so");
        return File.Exists(library) ? FromLibrary(File.ReadAllBytes(library)) : null;
    }

    // The version stands between two zero bytes. If there are two different ones, there is no telling which it is.
    private static string? FromLibrary(ReadOnlySpan<byte> image)
    {
        HashSet<string> found = new(StringComparer.Ordinal);
        while (!image.IsEmpty)
        {
            int end = image.IndexOf((byte)0);
            ReadOnlySpan<byte> text = end < 0 ? image : image[..end];
            if (text.Length is > 4 and < 32 && char.IsAsciiDigit((char)text[0]) && VersionNumber().IsMatch(Encoding.ASCII.GetString(text)))
                found.Add(Encoding.ASCII.GetString(text));
            image = end < 0 ? [] : image[(end + 1)..];
        }

        return found.Count == 1 ? found.Single() : null;
    }

    [GeneratedRegex("""__version__[^=]*=\s*['"]([^'"]+)['"]""")]
    private static partial Regex PythonVersion();

    [GeneratedRegex(@"[/\\](\d+\.\d+\.\d+)[/\\]runtimes[/\\][^/\\]+[/\\]native$")]
    private static partial Regex PackageFolder();

    [GeneratedRegex(@"^\d+\.\d+\.\d+([+.][a-z0-9.]+)?$")]
    private static partial Regex VersionNumber();
}
