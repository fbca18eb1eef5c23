"""`python -m warehouse.delivery.packs`: writes the content packs into the checkout this module was loaded from."""

from warehouse.delivery.packs.writing import write

if __name__ == "__main__":
    print(write())
