using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Formats;

/// <summary>
/// Reads and writes JSON files with a checksum: the last key, <c>"checksum"</c>, is the XxHash3 of everything before it. People and scripts can read
/// the file like any JSON. A changed bit, a missing end or an edit is refused.
/// </summary>
internal static class CheckedJson
{
    private const int MaxBytes = 16 << 20;

    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        MaxDepth = 8,
        // People read paths and hashes, so they are not escaped for HTML. The file never becomes part of a web page.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    // Name and version are read first, whatever else a later version may contain.
    private static readonly JsonSerializerOptions EnvelopeOptions = new(Options) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip };

    /// <summary>Writes the file in one step.</summary>
    /// <param name="storage">Where the file is.</param>
    /// <param name="path">Its full path.</param>
    /// <param name="content">A record that has the properties <c>Format</c> and <c>Version</c>.</param>
    public static void Write<T>(IStorage storage, string path, T content)
        => storage.WriteAtomically(path, stream => stream.Write(Encode(content)));

    /// <summary>Reads and checks the file.</summary>
    /// <param name="storage">Where the file is.</param>
    /// <param name="path">Its full path.</param>
    /// <param name="format">The format that it must name.</param>
    /// <param name="version">The newest version that is read.</param>
    /// <param name="remedy">What the user should do if the file is refused.</param>
    /// <param name="leastVersion">The oldest version that is read; null if only <paramref name="version"/> is.</param>
    /// <exception cref="DamagedException">The file is not what was written.</exception>
    /// <exception cref="InputException">It has a version that this program does not read.</exception>
    public static T Read<T>(IStorage storage, string path, string format, int version, string remedy, int? leastVersion = null)
    {
        byte[] bytes = ReadAll(storage, path, remedy);
        try
        {
            ReadOnlySpan<byte> body = Check(bytes);
            Envelope envelope = JsonSerializer.Deserialize<Envelope>(body, EnvelopeOptions)!;
            if (envelope.Format != format)
                throw new InvalidDataException($"it is '{envelope.Format}', expected '{format}'");
            if (envelope.Version > version || envelope.Version < (leastVersion ?? version))
                throw new InputException($"{path} has version {envelope.Version} of '{format}', this program reads version {version}; {remedy}");
            return JsonSerializer.Deserialize<T>(body, Options) ?? throw new InvalidDataException("it is null");
        }
        catch (Exception e) when (e is JsonException or InvalidDataException)
        {
            throw new DamagedException(path, $"{path}: {e.Message}; {remedy}", e);
        }
    }

    private static byte[] Encode<T>(T content)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(content, Options);
        ReadOnlySpan<byte> body = json.AsSpan(0, json.Length - 2);
        return [.. body, .. Suffix(body)];
    }

    private static byte[] Suffix(ReadOnlySpan<byte> body)
        => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $",\n  \"checksum\": \"{XxHash3.HashToUInt64(body):x16}\"\n}}\n"));

    // Returns the object as it was before the checksum was added at its end.
    private static ReadOnlySpan<byte> Check(byte[] bytes)
    {
        int suffixLength = Suffix([]).Length;
        if (bytes.Length < suffixLength)
            throw new InvalidDataException($"it is {bytes.Length} bytes long and has no checksum at its end");
        Span<byte> body = bytes.AsSpan(0, bytes.Length - suffixLength);
        byte[] expected = Suffix(body);
        if (!bytes.AsSpan(body.Length).SequenceEqual(expected))
        {
            throw new InvalidDataException(
                $"it ends with '{Encoding.Latin1.GetString(bytes, body.Length, suffixLength).ReplaceLineEndings(" ")}', expected '{Encoding.ASCII.GetString(expected).ReplaceLineEndings(" ")}'");
        }
        "\n}"u8.CopyTo(bytes.AsSpan(body.Length));
        return bytes.AsSpan(0, body.Length + 2);
    }

    private static byte[] ReadAll(IStorage storage, string path, string remedy)
    {
        using Stream stream = storage.OpenRead(path);
        if (stream.Length > MaxBytes)
            throw new DamagedException(path, $"{path} is {stream.Length} bytes long, expected at most {MaxBytes}; {remedy}");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private sealed record Envelope(string Format, int Version);
}
