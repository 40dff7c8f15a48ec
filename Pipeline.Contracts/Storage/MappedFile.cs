using System.IO.MemoryMappedFiles;

namespace Pipeline.Contracts.Storage;

/// <summary>A file mapped into memory. An empty file cannot be mapped and has address 0. The file is closed together with the map.</summary>
internal sealed class MappedFile : IMappedFile
{
    private readonly MemoryMappedFile? _map;
    private readonly MemoryMappedViewAccessor? _view;

    public MappedFile(FileStream file)
    {
        Length = file.Length;
        if (Length == 0)
        {
            file.Dispose();
            return;
        }
        _map = MemoryMappedFile.CreateFromFile(
            file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        Address = _view.SafeMemoryMappedViewHandle.DangerousGetHandle() + (nint)_view.PointerOffset;
    }

    public long Length { get; }

    public nint Address { get; private set; }

    public void Dispose()
    {
        Address = 0;
        _view?.Dispose();
        _map?.Dispose();
    }
}
