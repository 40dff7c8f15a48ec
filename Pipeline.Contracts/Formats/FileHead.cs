using System.Buffers.Binary;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Formats;

/// <summary>Recognizes a file that is not what its name says, from its first bytes.</summary>
public static class FileHead
{
    /// <summary>How many bytes are enough to recognize every kind.</summary>
    public const int Bytes = 64;

    /// <summary>Whether the file is only Git's pointer to the real one.</summary>
    public static bool IsLfsPointer(ReadOnlySpan<byte> head) => head.StartsWith("version https://git-lfs."u8) || head.StartsWith("version https://hawser."u8);

    /// <summary>
    /// A clause for an error message that begins with "it is" and, where there is something to do, says what. Null if the bytes are not recognized.
    /// </summary>
    public static string? Tell(ReadOnlySpan<byte> head) => head switch
    {
        [] => "it is empty; copy it again",
        _ when IsLfsPointer(head) => "it is a Git LFS pointer, not the file; fetch the file with 'git lfs pull'",
        _ when head.StartsWith("/annex/objects/"u8) => "it is a git-annex pointer, not the file; fetch the file with 'git annex get'",
        [0x1F, 0x8B, ..] => "it is compressed with gzip; decompress it or, if it is JSON Lines, let its name end in .gz",
        [0x28, 0xB5, 0x2F, 0xFD, ..] => "it is compressed with zstd; decompress it or, if it is JSON Lines, let its name end in .zst",
        [(byte)'B', (byte)'Z', (byte)'h', ..] => "it is compressed with bzip2; decompress it",
        [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', ..] => "it is compressed with xz; decompress it",
        [(byte)'P', (byte)'K', 3, 4, ..] => "it is a zip archive, as are the models that PyTorch saves; unpack or convert it",
        [(byte)'P', (byte)'A', (byte)'R', (byte)'1', ..] => "it is a Parquet file; read it as one, with a name that ends in .parquet",
        [(byte)'G', (byte)'G', (byte)'U', (byte)'F', ..] => "it is a GGUF file",
        [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] => "it is UTF-16; save it as UTF-8",
        [0, _, 0, _, 0, _, ..] or [_, 0, _, 0, _, 0, ..] when IsUtf16(head) => "it is UTF-16 without a byte order mark; save it as UTF-8",
        _ when IsHtml(head) => "it is an HTML page, which a server may send instead of a file; download it again",
        _ when IsSafetensors(head) => "it is a safetensors file",
        _ => null,
    };

    /// <summary>The same clause for a file.</summary>
    public static string? Tell(IStorage storage, string path)
    {
        using Stream stream = storage.OpenRead(path);
        var head = new byte[Bytes];
        return Tell(head.AsSpan(0, stream.ReadAtLeast(head, Bytes, throwOnEndOfStream: false)));
    }

    private static bool IsUtf16(ReadOnlySpan<byte> head)
    {
        int first = head[0] == 0 ? 0 : 1;
        for (int i = 0; i < Math.Min(head.Length & ~1, 32); i += 2)
        {
            if (head[i + first] != 0 || head[i + 1 - first] == 0)
                return false;
        }
        return true;
    }

    private static bool IsHtml(ReadOnlySpan<byte> head)
    {
        head = head.TrimStart(" \t\r\n"u8);
        return Begins(head, "<!doctype html"u8) || Begins(head, "<html"u8);

        static bool Begins(ReadOnlySpan<byte> head, ReadOnlySpan<byte> with)
            => head.Length >= with.Length && System.Text.Ascii.EqualsIgnoreCase(head[..with.Length], with);
    }

    private static bool IsSafetensors(ReadOnlySpan<byte> head)
        => head.Length > 9 && head[8] == '{' && BinaryPrimitives.ReadUInt64LittleEndian(head) is > 2 and < 1 << 28;
}
