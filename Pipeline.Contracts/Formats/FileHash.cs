using System.Buffers;
using System.Globalization;
using System.IO.Hashing;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Formats;

/// <summary>A file of a folder with its hash.</summary>
/// <param name="Name">The name of the file, without a path.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Hash">Its XxHash3, as 16 hexadecimal digits.</param>
public sealed record FileHash(string Name, long Bytes, string Hash)
{
    private const int PieceBytes = 1 << 20;

    /// <summary>Whether a name can be that of a committed file directly in a folder.</summary>
    public static bool IsPlainName(string name) => name.Length > 0 && name == Path.GetFileName(name) && name is not ("." or "..")
        && name.AsSpan().IndexOfAny('\\', '\0') < 0 && !Staging.IsStaging(name);

    /// <summary>Whether a list, which may be untrusted, names files of one folder, and each only once.</summary>
    public static bool ArePlain(IReadOnlyList<FileHash> files)
        => files.All(f => f is not null && IsPlainName(f.Name)) && files.Select(f => f.Name).Distinct(StringComparer.Ordinal).Count() == files.Count;

    /// <summary>Hashes a file as it is now.</summary>
    public static FileHash Of(IStorage storage, string path, CancellationToken cancellationToken = default)
    {
        using Stream file = storage.OpenRead(path);
        var hash = new XxHash3();
        long length = 0;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            for (int read; (read = file.Read(buffer.AsSpan(0, PieceBytes))) > 0; length += read)
            {
                cancellationToken.ThrowIfCancellationRequested();
                hash.Append(buffer.AsSpan(0, read));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return new FileHash(Path.GetFileName(path), length, Text(hash.GetCurrentHashAsUInt64()));
    }

    /// <summary>Checks the file of this name in a folder.</summary>
    /// <exception cref="DamagedException">It is missing, or not what was written.</exception>
    public void Verify(IStorage storage, string folder, CancellationToken cancellationToken = default)
    {
        string path = Path.Combine(folder, Name);
        if (!storage.FileExists(path))
            throw new DamagedException(path, $"{path} is missing");
        long length = storage.Length(path);
        if (length != Bytes)
            throw new DamagedException(path, $"{path} is {length} bytes long, {Bytes} were written");
        FileHash found = Of(storage, path, cancellationToken);
        if (found != this)
            throw new DamagedException(path, $"{path} has checksum {found.Hash} over {found.Bytes} bytes, {Hash} was written");
    }

    internal static string Text(ulong hash) => hash.ToString("x16", CultureInfo.InvariantCulture);
}
