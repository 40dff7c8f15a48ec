using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Runs.Parts;

/// <summary>What is known of one part of a flow. It is the last line of the part's file.</summary>
internal sealed record PartRecord
{
    public const int CurrentFormat = 1;

    private const string ChecksumKey = ",\"checksum\":\"";

    private static readonly JsonSerializerOptions Layout = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        MaxDepth = 16,
    };

    public int Format { get; init; } = CurrentFormat;

    public required string Flow { get; init; }

    /// <summary>The number of the part, from 0.</summary>
    public required int Part { get; init; }

    /// <summary>How many parts the flow has.</summary>
    public required int Of { get; init; }

    /// <summary>The hash of everything that decides the flow's results.</summary>
    public required string Hash { get; init; }

    public required double Seconds { get; init; }

    /// <summary>The counts of every stage, in order. Empty if the part failed.</summary>
    public IReadOnlyList<StageCounts> Stages { get; init; } = [];

    /// <summary>How many lines of rejects come before this line.</summary>
    public required long Rejects { get; init; }

    /// <summary>XxHash3 of those lines, in hexadecimal.</summary>
    public required string RejectsHash { get; init; }

    /// <summary>Why the part failed. Null if it is done.</summary>
    public string? Error { get; init; }

    /// <summary>The exit code that belongs to the error. Null if the part is done.</summary>
    public int? ExitCode { get; init; }

    /// <summary>On how many records a stage failed.</summary>
    public long Failed => Stages.Sum(s => s.Failed);

    /// <summary>The record as a line of JSON whose last key is its own checksum, with a line feed.</summary>
    public byte[] ToLine()
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(this, Layout);
        ReadOnlySpan<byte> body = json.AsSpan(0, json.Length - 1);
        return [.. body, .. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{ChecksumKey}{XxHash3.HashToUInt64(body):x16}\"}}\n"))];
    }

    /// <summary>Reads what <see cref="ToLine"/> has written.</summary>
    /// <exception cref="JsonException">The line was changed or cut off, or another version has written it.</exception>
    public static PartRecord Parse(ReadOnlySpan<byte> line)
    {
        int end = line.LastIndexOf(Encoding.ASCII.GetBytes(ChecksumKey));
        if (end < 0)
            throw new JsonException("its last line has no checksum");
        ReadOnlySpan<byte> body = line[..end];
        string expected = string.Create(CultureInfo.InvariantCulture, $"{ChecksumKey}{XxHash3.HashToUInt64(body):x16}\"}}");
        string found = Encoding.Latin1.GetString(line[end..]).TrimEnd('\n');
        if (found != expected)
            throw new JsonException($"its last line ends with '{found}', expected '{expected}'");
        PartRecord record = JsonSerializer.Deserialize<PartRecord>([.. body, (byte)'}'], Layout) ?? throw new JsonException("it is null");
        return record.Format == CurrentFormat
            ? record
            : throw new JsonException($"format {record.Format}, expected {CurrentFormat}: it was written by another version of alm");
    }
}
