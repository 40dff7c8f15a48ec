using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Hashing;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Parquet;

namespace Pipeline.Stages.Text;

/// <summary>What a pass over an input file has found.</summary>
/// <param name="Path">The full path.</param>
/// <param name="Hash">The XxHash3 of all its bytes, which is the first part of the ids of its documents.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Rows">The number of its rows (Parquet) or lines (JSON Lines).</param>
/// <param name="Lines">The positions at which lines 0, <see cref="InputCatalog.LineStep"/>, ... begin. Only for JSON Lines that are not compressed.</param>
public sealed record InputFile(string Path, ulong Hash, long Bytes, long Rows, IReadOnlyList<long> Lines);

public enum InputKind
{
    Parquet,
    JsonLines,
}

/// <summary>Hashes each input file once per process, however many stages and parts read it. Safe on any thread.</summary>
public sealed class InputCatalog(IStorage storage)
{
    public const int LineStep = 4096;
    private const int BufferBytes = 1 << 20;

    private readonly ConcurrentDictionary<(string Path, InputKind Kind), Lazy<InputFile>> _files = new();

    /// <summary>What is known about a file. The first call reads all of it.</summary>
    /// <exception cref="InputException">The file does not exist, or is not of this kind.</exception>
    public InputFile Get(string path, InputKind kind)
        => _files.GetOrAdd((path, kind), key => new Lazy<InputFile>(() => Read(key.Path, key.Kind))).Value;

    private InputFile Read(string path, InputKind kind)
    {
        if (!storage.FileExists(path))
            throw new InputException($"{path} does not exist; it is named in 'files' of the definition");
        if (kind == InputKind.JsonLines)
            return ReadLines(path);
        long rows;
        // The footer is read first, so that a file that is not Parquet is refused before gigabytes are hashed.
        using (ColumnFileReader reader = ColumnFileReader.Open(storage, path))
            rows = reader.File.Rows;
        using Stream stream = storage.OpenRead(path);
        var hash = new XxHash3();
        hash.Append(stream);
        return new InputFile(path, hash.GetCurrentHashAsUInt64(), stream.Length, rows, []);
    }

    private InputFile ReadLines(string path)
    {
        using Stream file = storage.OpenRead(path);
        using var hashing = new HashingStream(file);
        var lines = new List<long>();
        long rows = 0, position = 0;
        bool atLineStart = true;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            using Stream text = LineCompression.Open(path, hashing);
            for (int read; (read = LineCompression.Read(text, buffer, path)) > 0; position += read)
            {
                ReadOnlySpan<byte> rest = buffer.AsSpan(0, read);
                while (!rest.IsEmpty)
                {
                    if (atLineStart)
                    {
                        if (rows % LineStep == 0)
                            lines.Add(position + read - rest.Length);
                        rows++;
                    }
                    int end = rest.IndexOf((byte)'\n');
                    atLineStart = end >= 0;
                    rest = end < 0 ? [] : rest[(end + 1)..];
                }
            }
            // A decompressor may stop early, but the bytes after that are part of the file's hash.
            while (hashing.Read(buffer) > 0)
            {
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return new InputFile(path, hashing.Hash, file.Length, rows, LineCompression.IsCompressed(path) ? [] : lines);
    }
}
