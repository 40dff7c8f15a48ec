using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Formats;

/// <summary>
/// A JSON file that ends with its own checksum: <c>"checksum"</c> is the last key, the XxHash3 of the file without it. People and scripts
/// read it like any JSON; a changed bit, a missing end or an edit is refused.
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
        // Paths and hashes are read by people; the file is never pasted into a web page.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    // Whatever else a later version may contain, its name and number are read first.
    private static readonly JsonSerializerOptions EnvelopeOptions = new(Options) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip };

    public static void Write<T>(IStorage storage, string path, T content)
        => storage.WriteAtomically(path, stream => stream.Write(Encode(content)));

    /// <exception cref="DamagedException">It is not what was written.</exception>
    /// <exception cref="InputException">It is of a version this program does not read.</exception>
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

    // The object as it was before the checksum was added at its end.
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
