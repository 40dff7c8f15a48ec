using System.Text;
using System.Text.RegularExpressions;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Torch;

/// <summary>Finds out which libtorch a folder holds: the shim is built against one minor version and crashes on another.</summary>
internal static partial class LibtorchVersion
{
    public const string Wanted = "2.10";

    /// <exception cref="InputException">Another minor version, or none to be found.</exception>
    public static void Check(string libFolder)
    {
        string? found = Find(libFolder);
        if (found is null)
            throw new InputException($"libtorch folder '{libFolder}': cannot tell its version (no build-version, version.py or version string); a libtorch {Wanted}.x is needed");
        if (!found.StartsWith(Wanted + ".", StringComparison.Ordinal))
            throw new InputException($"libtorch folder '{libFolder}' is version {found}; this build needs {Wanted}.x");
    }

    /// <summary>From <c>build-version</c> (a libtorch archive), <c>version.py</c> (a pip torch), else from the library itself.</summary>
    public static string? Find(string libFolder)
    {
        string root = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(libFolder))!;
        foreach (string path in new[] { Path.Combine(libFolder, "build-version"), Path.Combine(root, "build-version") })
        {
            if (File.Exists(path))
                return File.ReadAllText(path).Trim();
        }

        string python = Path.Combine(root, "version.py");
        if (File.Exists(python) && PythonVersion().Match(File.ReadAllText(python)) is { Success: true } match)
            return match.Groups[1].Value;
        return FromLibrary(Path.Combine(libFolder, "libtorch_cpu.so"));
    }

    // The build settings that torch prints hold "TORCH_VERSION=2.10.0, "; the library is half a gigabyte, so it is read in pieces.
    private static string? FromLibrary(string path)
    {
        byte[] mark = Encoding.ASCII.GetBytes("TORCH_VERSION=");
        using FileStream stream = File.OpenRead(path);
        byte[] buffer = new byte[1 << 20];
        int kept = 0;
        for (int read; (read = stream.Read(buffer, kept, buffer.Length - kept)) > 0;)
        {
            ReadOnlySpan<byte> window = buffer.AsSpan(0, kept + read);
            int at = window.IndexOf(mark);
            if (at >= 0 && at + mark.Length + 16 <= window.Length)
                return VersionNumber().Match(Encoding.ASCII.GetString(window.Slice(at + mark.Length, 16))) is { Success: true } match ? match.Value : null;
            kept = Math.Min(mark.Length + 16, window.Length);
            window[^kept..].CopyTo(buffer);
        }

        return null;
    }

    [GeneratedRegex("""__version__[^=]*=\s*['"]([^'"]+)['"]""")]
    private static partial Regex PythonVersion();

    [GeneratedRegex(@"^\d+\.\d+\.\d+")]
    private static partial Regex VersionNumber();
}
